select 'dataset:' || dataset.id as subject, dataset.id as dataset_id, dataset.name, dataset.raw_uri as uri,
    dataset.quarantined_at as since
from aerodag.dataset
where dataset.quarantined_at < %(before)s and dataset.archived_at is null
union all
select 'event:' || event.id, null, event.message, event.details ->> 'quarantine_uri', event.created_at
from aerodag.event
where event.kind = 'upload.refused' and event.created_at < %(before)s
order by since
