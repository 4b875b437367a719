-- GPU hours by day (UTC, of the start) and preset over the engine jobs of the last %(days)s days: the time a job had its
-- GPUs, times their number, whether it used them or not. A job had one where the run's plan grants it, or where it or a
-- later job of the run failed of it, after which the plan goes without.
with recent as materialized (
    -- A job of the window belongs to a run that ended in it too, or is still active.
    select id, preset, plan -> 'gpu' as gpu
    from aerodag.run
    where finished_at >= now() - make_interval(days => %(days)s)
    union all
    select id, preset, plan -> 'gpu'
    from aerodag.run
    where state in ('queued', 'running')
),
job as (
    select
        engine_job.*,
        max(engine_job.attempt) filter (where engine_job.failure_code like 'engine.gpu%%')
            over (partition by engine_job.run_id) as last_gpu_failure
    from aerodag.engine_job
    where engine_job.submitted_at >= now() - make_interval(days => %(days)s)
)
select
    (job.submitted_at at time zone 'utc')::date as day,
    recent.preset,
    count(*) as jobs,
    count(*) filter (where job.failure_code is not null) as failed,
    round(
        (sum(
            extract(epoch from coalesce(job.ended_at, job.discarded_at, now()) - job.submitted_at)
            * greatest(jsonb_array_length(coalesce(recent.gpu -> 'devices', '[]')), 1)
        ) / 3600)::numeric, 2
    ) as gpu_hours
from job
join recent on recent.id = job.run_id
where recent.gpu -> 'granted' = 'true' or job.attempt <= job.last_gpu_failure
group by day, recent.preset
order by day desc, recent.preset
