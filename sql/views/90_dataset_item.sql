drop view if exists aerodag.dataset_item cascade;

create view aerodag.dataset_item with (security_invoker = true) as
select
    summary.dataset_id as id,
    dataset.name,
    summary.owner,
    summary.access,
    summary.upload_type,
    summary.created_at,
    dataset.size_bytes,
    dataset.priority,
    dataset.captured_from,
    dataset.captured_source,
    summary.state,
    case
        when parked.run_id is not null then 'review'
        when in_line.run_id is not null then 'odm'
        else step.name
    end as step,
    stage.stage,
    stage.percent,
    job.expected_at as expected_end,
    parked.run_id is not null as waits_for_review,
    in_line.run_id is not null as waits_for_engine,
    run.dag_run_id,
    summary.images,
    summary.images_used,
    summary.area_m2,
    summary.gsd_m * 100 as gsd_cm,
    summary.rtk_fix_share,
    summary.thumbnail_id,
    case
        when summary.place is not null then array[
            summary.west, summary.south, case when summary.east > 180 then summary.east - 360 else summary.east end,
            summary.north
        ]
    end as bbox,
    coalesce(ended.message, quarantine.message) as message,
    ended.advice,
    ended.failure_code as code
from aerodag.dataset_summary as summary
join aerodag.dataset on dataset.id = summary.dataset_id
left join aerodag.run on run.id = summary.run_id
-- What the newest run failed by is over with as soon as another one is asked for.
left join aerodag.run as ended on ended.id = summary.run_id and summary.state <> 'waiting'
left join lateral (
    select waiting_review.run_id
    from aerodag.waiting_review
    where summary.state = 'running' and waiting_review.run_id = summary.run_id
) as parked on true
left join lateral (
    select waiting_engine.run_id
    from aerodag.waiting_engine
    where summary.state = 'running' and waiting_engine.run_id = summary.run_id
) as in_line on true
left join lateral (
    select step.name
    from aerodag.step
    where summary.state = 'running' and step.run_id = summary.run_id and step.state in ('running', 'retrying')
    order by step.recorded_at desc
    limit 1
) as step on true
left join lateral (
    select engine_stage.stage, engine_stage.percent
    from aerodag.engine_stage
    where step.name = 'odm' and engine_stage.run_id = summary.run_id
    order by engine_stage.finished_at is null desc, engine_stage.started_at desc
    limit 1
) as stage on true
left join lateral (
    select engine_job.expected_at
    from aerodag.engine_job
    where summary.state = 'running'
        and engine_job.run_id = summary.run_id
        and engine_job.ended_at is null
        and engine_job.discarded_at is null
    order by engine_job.id desc
    limit 1
) as job on true
left join lateral (
    select event.message
    from aerodag.event
    where summary.state = 'quarantined'
        and event.dataset_id = summary.dataset_id
        and event.kind = 'dataset.quarantined'
    order by event.created_at desc
    limit 1
) as quarantine on true;

comment on view aerodag.dataset_item is
    'A dataset as a list shows it: its facts, and how its newest run is at this moment.';

grant select on aerodag.dataset_item to aerodag_worker;
