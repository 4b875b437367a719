select dataset.*
from aerodag.dataset
where dataset.archived_at is null
    and dataset.quarantined_at is null
    and coalesce(dataset.start_asked_at < now() - interval '1 minute', true)
    and not exists (select from aerodag.run where run.dataset_id = dataset.id)
order by dataset.priority desc, dataset.created_at, dataset.id
limit %(limit)s
