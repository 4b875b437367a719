-- What the engine did in the tries that ended well in the last week, and whether it used the GPU that it was given. A
-- try that found its work done says nothing.
select
    run.engine,
    count(*) as runs,
    coalesce(
        sum((step.metrics ->> 'images')::numeric) filter (where jsonb_typeof(step.metrics -> 'images') = 'number'), 0
    )::bigint as images,
    coalesce(sum(
        case
            when jsonb_typeof(step.metrics -> 'waited_s') = 'number' then (step.metrics ->> 'waited_s')::double precision
            else step.duration_s
        end
    ), 0) as seconds,
    coalesce(
        max((step.metrics ->> 'peak_rss_bytes')::numeric)
            filter (where jsonb_typeof(step.metrics -> 'peak_rss_bytes') = 'number'),
        0
    )::bigint as peak_memory_bytes,
    count(*) filter (where step.metrics -> 'gpu_requested' = 'true') as gpu_granted,
    count(*) filter (where 'true' in (step.metrics -> 'gpu_used_features', step.metrics -> 'gpu_used_dense')) as gpu_used
from aerodag.step
join aerodag.run on run.id = step.run_id
where step.name = 'odm'
    and step.state = 'succeeded'
    and step.finished_at >= now() - interval '7 days'
    and step.metrics ->> 'reused' is null
group by 1
