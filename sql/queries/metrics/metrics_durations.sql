-- How long things have taken. As in metrics_endings, what the active runs are going to add is there before, with 0.
with expected as (
    select 'run' as kind, run.preset as name, run.engine, possible.outcome
    from aerodag.run
    cross join unnest(array['succeeded', 'degraded', 'failed', 'cancelled']) as possible (outcome)
    where run.state in ('queued', 'running')
    union
    select 'step', step.name, '', step.state
    from aerodag.run
    join aerodag.step on step.run_id = run.id
    where run.state in ('queued', 'running') and step.state in ('succeeded', 'failed', 'retrying')
    union
    select 'stage', engine_stage.stage, run.engine, ''
    from aerodag.run
    join aerodag.engine_stage on engine_stage.run_id = run.id
    where run.state in ('queued', 'running')
)
select kind, name, engine, outcome, bound, times, seconds from aerodag.duration_total
union all
select expected.*, bound, 0, 0
from expected
cross join unnest(aerodag.duration_bounds()) as bound
where (kind, name, engine, outcome) not in (
    select known.kind, known.name, known.engine, known.outcome from aerodag.duration_total as known
)
order by kind, name, engine, outcome, bound
