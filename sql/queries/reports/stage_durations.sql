-- How long steps of the pipeline and stages of the engine take by preset, where they ended well, over the newest 500
-- runs that ended in the last %(days)s days: enough for percentiles, and no more work in a year than in a week. Stages
-- that a run took over from an earlier one are not counted again.
with recent as materialized (
    select id, preset, created_at
    from aerodag.run
    where finished_at >= now() - make_interval(days => %(days)s)
    order by finished_at desc
    limit 500
)
select
    measured.preset,
    measured.kind,
    measured.name,
    count(*) as times,
    round((percentile_cont(0.5) within group (order by measured.seconds))::numeric, 1) as median_s,
    round((percentile_cont(0.95) within group (order by measured.seconds))::numeric, 1) as p95_s,
    round((sum(measured.seconds) / 3600)::numeric, 2) as hours
from (
    select recent.preset, 'step' as kind, step.name collate "C" as name, step.duration_s as seconds
    from recent
    join aerodag.step on step.run_id = recent.id
    where step.state = 'succeeded'
    union all
    select
        recent.preset, 'stage', engine_stage.stage,
        extract(epoch from engine_stage.finished_at - engine_stage.started_at)::double precision
    from recent
    join aerodag.engine_stage on engine_stage.run_id = recent.id
    where engine_stage.started_at >= recent.created_at
) as measured
where measured.seconds is not null
group by measured.preset, measured.kind, measured.name
order by measured.preset, measured.kind desc, hours desc
