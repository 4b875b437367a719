-- Runs whose engine is at work, and what is known of their jobs where it works outside Airflow. GPUs: of the runs whose
-- plan grants them.
select
    run.engine,
    coalesce(run.plan #> '{gpu,granted}' = 'true', false) as gpu,
    count(*) as runs,
    coalesce(sum(
        case
            when jsonb_typeof(run.plan #> '{gpu,devices}') = 'array'
                then greatest(jsonb_array_length(run.plan #> '{gpu,devices}'), 1)
            else 1
        end
    ) filter (where run.plan #> '{gpu,granted}' = 'true'), 0)::bigint as gpus,
    coalesce(extract(epoch from now() - min(step.started_at)), 0)::double precision as longest_s,
    coalesce(extract(epoch from now() - min(job.seen_at)), 0)::double precision as unwatched_s,
    count(*) filter (where job.deadline < now()) as overdue
from aerodag.run
join aerodag.step on step.run_id = run.id and step.name = 'odm' and step.state = 'running'
left join lateral (
    select coalesce(engine_job.watched_at, engine_job.submitted_at) as seen_at, engine_job.deadline
    from aerodag.engine_job
    where engine_job.run_id = run.id and engine_job.ended_at is null and engine_job.discarded_at is null
    order by engine_job.id desc
    limit 1
) as job on true
where run.state in ('queued', 'running')
group by 1, 2
