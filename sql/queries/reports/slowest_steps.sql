-- The tries that took longest among those that ended in the last %(days)s days, and how many times the median of the
-- same step and preset that is.
with slowest as materialized (
    select run_id, name, try_number, state, duration_s
    from aerodag.step
    where state in ('succeeded', 'failed', 'retrying')
        and finished_at >= now() - make_interval(days => %(days)s)
        and duration_s is not null
    order by duration_s desc, run_id
    limit %(limit)s
),
recent as materialized (
    -- A step that ended in the window belongs to a run that did so too, or is still active.
    select id, preset
    from aerodag.run
    where finished_at >= now() - make_interval(days => %(days)s)
    union all
    select id, preset
    from aerodag.run
    where state in ('queued', 'running')
),
usual as (
    select step.name, recent.preset, percentile_cont(0.5) within group (order by step.duration_s) as median_s
    from aerodag.step
    join recent on recent.id = step.run_id
    where step.name in (select slowest.name from slowest)
        and step.state in ('succeeded', 'failed', 'retrying')
        and step.finished_at >= now() - make_interval(days => %(days)s)
    group by step.name, recent.preset
)
select
    slowest.name as step,
    run.preset,
    slowest.run_id,
    run.dataset_id,
    dataset.name as dataset,
    slowest.try_number as try,
    slowest.state,
    round((slowest.duration_s / 3600)::numeric, 2) as hours,
    round((slowest.duration_s / nullif(usual.median_s, 0))::numeric, 1) as times_median
from slowest
join aerodag.run on run.id = slowest.run_id
join aerodag.dataset on dataset.id = run.dataset_id
left join usual on usual.name = slowest.name and usual.preset = run.preset
order by slowest.duration_s desc, slowest.run_id
