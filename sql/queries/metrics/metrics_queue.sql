-- What waits for a place: first runs of datasets by kind of upload, and further runs that somebody requested.
select 'first' as run, kind.name as upload_type, waiting.datasets, coalesce(waiting.oldest_s, 0) as oldest_s
from unnest(array['raw_images_zip', 'geotiff', 'video']) as kind (name)
cross join lateral (
    select count(*) as datasets, extract(epoch from now() - min(dataset.created_at))::double precision as oldest_s
    from aerodag.dataset
    where dataset.first_run_at is null
        and dataset.archived_at is null
        and dataset.quarantined_at is null
        and dataset.upload_type = kind.name
) as waiting
union all
select
    'further', kind.name, count(waiting.created_at),
    coalesce(extract(epoch from now() - min(waiting.created_at))::double precision, 0)
from unnest(array['raw_images_zip', 'geotiff', 'video']) as kind (name)
left join (
    select dataset.upload_type, start_request.created_at
    from aerodag.start_request
    join aerodag.dataset on dataset.id = start_request.dataset_id
    where start_request.asked_at is null
        and dataset.archived_at is null
        and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
) as waiting on waiting.upload_type = kind.name
group by kind.name
