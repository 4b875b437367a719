drop view if exists public.v2_processing_overview;

create view public.v2_processing_overview with (security_invoker = true) as
select
    dataset.id as dataset_id,
    dataset.name as file_name,
    dataset.owner,
    coalesce(newest.priority, dataset.priority) as priority,
    case when dataset.upload_type = 'geotiff' then 'geotiff' else 'odm' end as processing_source,
    case
        when newest.state = 'running' then 'PROCESSING'
        when newest.state in ('failed', 'cancelled') or dataset.quarantined_at is not null then 'FAILED'
        when newest.state in ('succeeded', 'degraded') then 'COMPLETED'
        else 'QUEUED'
    end as processing_status,
    latest_step.name as current_step,
    latest_stage.stage as current_stage,
    latest_stage.percent as current_stage_percent,
    round(
        (extract(epoch from now() - coalesce(
            case when newest.state not in ('queued', 'running') then newest.finished_at end,
            case when newest.state = 'running' then latest_step.started_at end,
            newest.attempt_at,
            dataset.quarantined_at,
            dataset.created_at
        )) / 3600)::numeric, 2
    ) as hours_in_current_status,
    coalesce(
        newest.message, case when dataset.quarantined_at is not null then 'The upload is in quarantine.' end
    ) as error_message,
    journal.lines as last_20_logs,
    newest.id as run_id,
    newest.dag_run_id,
    dataset.created_at
from aerodag.dataset
left join lateral (
    select run.*
    from aerodag.run
    where run.dataset_id = dataset.id
    order by run.attempt_at desc, run.id desc
    limit 1
) as newest on true
left join lateral (
    select step.name, step.started_at
    from aerodag.step
    where step.run_id = newest.id and newest.state = 'running' and step.name <> 'cleanup'
    order by step.state = 'running' desc, step.started_at desc nulls last
    limit 1
) as latest_step on true
left join lateral (
    select engine_stage.stage, engine_stage.percent
    from aerodag.engine_stage
    where engine_stage.run_id = newest.id and newest.state = 'running' and engine_stage.finished_at is null
    order by engine_stage.started_at desc
    limit 1
) as latest_stage on true
left join lateral (
    select string_agg(
        format('%s %s: %s', to_char(latest.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), latest.kind, latest.message),
        e'\n' order by latest.created_at, latest.id
    ) as lines
    from (
        select event.id, event.created_at, event.kind, event.message
        from aerodag.event
        where event.dataset_id = dataset.id
        order by event.created_at desc, event.id desc
        limit 20
    ) as latest
) as journal on true;

comment on view public.v2_processing_overview is
    'Platform contract: where each dataset is and since when. QUEUED also before the first run; FAILED also when '
    'cancelled or in quarantine; COMPLETED also when degraded.';

grant select on public.v2_processing_overview to aerodag_worker, aerodag_reader;
