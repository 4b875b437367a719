-- How a run is, in one look: also one that waits to be started, and one that Airflow refused at its first step.
with asked as (
    select
        run.id as run_id, run.dataset_id, run.dag_run_id, run.state, run.preset, run.priority, run.created_at,
        run.started_at, run.finished_at, run.failure_code as code, run.message, run.advice
    from aerodag.run
    where run.dag_run_id = %(dag_run_id)s
    union all
    select
        null, start_request.dataset_id, start_request.dag_run_id, 'waiting', start_request.conf ->> 'preset',
        start_request.priority, start_request.created_at, null, null, null, null, null
    from aerodag.start_request
    where start_request.dag_run_id = %(dag_run_id)s
    union all
    select
        null, dataset.id, %(dag_run_id)s, 'waiting', null, dataset.priority, dataset.created_at,
        null, null, null, null, null
    from aerodag.dataset
    where dataset.first_run_at is null
        and dataset.archived_at is null
        and dataset.content_sha256 like right(%(dag_run_id)s, 12) || '%%'
        and %(dag_run_id)s = aerodag.first_run_id(dataset)
    union all
    select
        null, null, %(dag_run_id)s, 'failed', null, null, event.created_at, null, event.created_at,
        event.details ->> 'code', event.message, null
    from aerodag.event
    where event.kind = 'run.refused' and event.details ->> 'dag_run_id' = %(dag_run_id)s
)
select
    asked.*,
    dataset.name as dataset,
    case
        when asked.state <> 'running' then null
        when parked.run_id is not null then 'review'
        when in_line.run_id is not null then 'odm'
        else step.name
    end as step,
    parked.run_id is not null as waits_for_review,
    in_line.run_id is not null as waits_for_engine,
    stage.stage,
    stage.percent,
    job.expected_at as expected_end
from (select * from asked order by run_id nulls last, created_at desc limit 1) as asked
left join aerodag.dataset on dataset.id = asked.dataset_id
left join lateral (
    select step.name
    from aerodag.step
    where step.run_id = asked.run_id and step.state in ('running', 'retrying')
    order by step.recorded_at desc
    limit 1
) as step on true
left join aerodag.waiting_review as parked on parked.run_id = asked.run_id and asked.state = 'running'
left join aerodag.waiting_engine as in_line on in_line.run_id = asked.run_id and asked.state = 'running'
left join lateral (
    select engine_stage.stage, engine_stage.percent
    from aerodag.engine_stage
    where engine_stage.run_id = asked.run_id and step.name = 'odm'
    order by engine_stage.finished_at is null desc, engine_stage.started_at desc
    limit 1
) as stage on true
left join lateral (
    select engine_job.expected_at
    from aerodag.engine_job
    where engine_job.run_id = asked.run_id and engine_job.ended_at is null and engine_job.discarded_at is null
    order by engine_job.id desc
    limit 1
) as job on true
