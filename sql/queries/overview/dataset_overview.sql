select
    dataset.id,
    dataset.name,
    pg_size_pretty(dataset.size_bytes) as size,
    summary.state,
    case when summary.state <> 'waiting' then coalesce(run.failure_code, '') else '' end as code,
    summary.images_used || ' of ' || summary.images as images,
    to_char(run.finished_at - run.started_at, 'HH24:MI:SS') as duration
from aerodag.dataset_summary as summary
join aerodag.dataset on dataset.id = summary.dataset_id
left join aerodag.run on run.id = summary.run_id
order by dataset.id desc
limit 50
