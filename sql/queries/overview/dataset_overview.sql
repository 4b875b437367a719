select
    dataset.id,
    dataset.name,
    pg_size_pretty(dataset.size_bytes) as size,
    coalesce(run.state, case when dataset.quarantined_at is null then 'waiting' else 'quarantined' end) as state,
    coalesce(run.failure_code, '') as code,
    coalesce(images.assigned, 0) || ' of ' || coalesce(images.total, 0) as images,
    to_char(run.finished_at - run.started_at, 'HH24:MI:SS') as duration
from aerodag.dataset
left join lateral (
    select * from aerodag.run where run.dataset_id = dataset.id order by run.id desc limit 1
) as run on true
left join lateral (
    select count(*) as total, count(*) filter (where status = 'assigned') as assigned
    from aerodag.image
    where image.dataset_id = dataset.id
) as images on true
order by dataset.id desc
limit 50
