-- Which active runs show no progress since %(minutes)s minutes, and what they were at. Signs of life are a step that
-- starts, ends or tells figures, a stage of the engine, an event, and the last look at a job that works outside Airflow:
-- such a job is stopped by its own watch when it stalls. A run between two steps may just be waiting for a place.
select
    run.id as run_id,
    dataset.id as dataset_id,
    dataset.name as dataset,
    run.dag_run_id,
    run.state,
    case
        when latest_step.name is null then 'not started'
        when latest_step.state = 'running' then 'in ' || latest_step.name
        else 'after ' || latest_step.name
    end as step,
    latest_step.host,
    date_trunc('second', life.seen_at) as last_sign,
    round((extract(epoch from now() - life.seen_at) / 60)::numeric) as minutes
from aerodag.run
join aerodag.dataset on dataset.id = run.dataset_id
left join lateral (
    select step.name, step.state, step.host, step.recorded_at
    from aerodag.step
    where step.run_id = run.id
    order by step.state = 'running' desc, step.recorded_at desc
    limit 1
) as latest_step on true
cross join lateral (
    select greatest(
        run.attempt_at,
        (select max(step.recorded_at) from aerodag.step where step.run_id = run.id),
        (select max(greatest(started_at, finished_at)) from aerodag.engine_stage where engine_stage.run_id = run.id),
        (select max(event.created_at) from aerodag.event where event.run_id = run.id),
        (select max(watched_at) from aerodag.engine_job where engine_job.run_id = run.id and ended_at is null)
    ) as seen_at
) as life
where run.state in ('queued', 'running') and life.seen_at < now() - make_interval(mins => %(minutes)s)
order by life.seen_at
limit %(limit)s
