-- What is under way and what waits, in the order in which it is served, and when each will start and end.
-- The expected times are estimates: what a gigabyte of upload took at the median over the successful runs of the last
-- 90 days (the newest 500), by preset, or over all presets where the preset has none; running work is shared out over
-- %(places)s places; a run that waits for a person takes none. A container that is being watched knows its own end better. Null without any history.
with past as (
    select run.preset, extract(epoch from run.finished_at - run.started_at) / dataset.size_bytes as seconds_per_byte
    from (
        select *
        from aerodag.run
        where finished_at >= now() - interval '90 days'
            and state in ('succeeded', 'degraded')
            and started_at is not null
            and 'odm_processing' = any(task_types)
        order by finished_at desc
        limit 500
    ) as run
    join aerodag.dataset on dataset.id = run.dataset_id
    where dataset.size_bytes > 0 and dataset.upload_type = 'raw_images_zip'
),
pace as (
    select preset, percentile_cont(0.5) within group (order by seconds_per_byte) as seconds_per_byte
    from past
    group by grouping sets ((preset), ())
),
active as (
    select
        dataset.id as dataset_id,
        dataset.name as dataset,
        run.id as run_id,
        case when asked.asked_at is null then run.state else 'review' end as state,
        run.preset,
        run.priority,
        case when run.state = 'queued' then run.attempt_at else coalesce(run.started_at, run.attempt_at) end as since,
        job.expected_at,
        coalesce(by_preset.seconds_per_byte, overall.seconds_per_byte) * dataset.size_bytes as seconds
    from aerodag.run
    join aerodag.dataset on dataset.id = run.dataset_id
    left join pace as by_preset on by_preset.preset = run.preset
    left join pace as overall on overall.preset is null
    left join lateral (
        select engine_job.expected_at
        from aerodag.engine_job
        where engine_job.run_id = run.id and engine_job.ended_at is null and engine_job.discarded_at is null
        order by engine_job.id desc
        limit 1
    ) as job on true
    left join aerodag.waiting_review as asked on asked.run_id = run.id
    where run.state in ('queued', 'running')
),
waiting as (
    select
        next.dataset_id, next.dataset, null::bigint as run_id, 'waiting' as state, next.preset, next.priority,
        next.created_at as since, null::timestamptz as expected_at,
        coalesce(by_preset.seconds_per_byte, overall.seconds_per_byte) * next.size_bytes as seconds
    from (
        (
            select
                dataset.id as dataset_id, dataset.name as dataset, null::text as preset, dataset.priority,
                dataset.created_at, dataset.size_bytes
            from aerodag.dataset
            where dataset.archived_at is null and dataset.quarantined_at is null and dataset.first_run_at is null
            order by dataset.priority desc, dataset.created_at, dataset.id
            limit %(limit)s
        )
        union all
        (
            select
                dataset.id, dataset.name, start_request.conf ->> 'preset', start_request.priority,
                start_request.created_at, dataset.size_bytes
            from aerodag.start_request
            join aerodag.dataset on dataset.id = start_request.dataset_id
            where dataset.archived_at is null
                and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
            order by start_request.priority desc, start_request.created_at, dataset.id
            limit %(limit)s
        )
    ) as next
    left join pace as by_preset on by_preset.preset = next.preset
    left join pace as overall on overall.preset is null
),
placed as (
    select
        everything.*,
        case
            when everything.state = 'review' then 0
            -- greatest() takes no notice of nulls.
            when everything.state = 'running' and coalesce(expected_at, since + make_interval(secs => seconds)) is not null
                then greatest(extract(epoch from coalesce(expected_at, since + make_interval(secs => seconds)) - now()), 0)
            when everything.state = 'running' then null
            else seconds
        end as seconds_left,
        row_number() over served as place,
        count(*) filter (where everything.state in ('queued', 'waiting')) over served as position
    from (select * from active union all select * from waiting) as everything
    window served as (
        order by
            array_position(array['running', 'queued', 'waiting', 'review'], everything.state), everything.priority desc,
            everything.since, everything.dataset_id
        rows unbounded preceding
    )
),
timed as (
    select
        placed.*,
        -- Null as soon as one before it is unknown.
        case
            when count(*) over before = count(seconds_left) over before
                then coalesce(sum(seconds_left) over before, 0)
        end as seconds_before
    from placed
    window before as (order by place rows between unbounded preceding and 1 preceding)
)
select
    case when state in ('queued', 'waiting') then position end as position,
    dataset_id,
    dataset,
    run_id,
    state,
    preset,
    priority,
    date_trunc('second', since) as since,
    case
        when state in ('running', 'review') then date_trunc('second', since)
        when place <= %(places)s then date_trunc('second', now())
        else date_trunc('second', now() + make_interval(secs => seconds_before / %(places)s))
    end as expected_start,
    case
        when state = 'review' then null
        when state = 'running' then date_trunc('second', now() + make_interval(secs => seconds_left))
        when place <= %(places)s then date_trunc('second', now() + make_interval(secs => seconds))
        else date_trunc('second', now() + make_interval(secs => seconds_before / %(places)s + seconds))
    end as expected_end
from timed
order by place
limit %(limit)s
