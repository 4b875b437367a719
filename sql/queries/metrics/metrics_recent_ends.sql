-- How runs ended in the last day and in the last week, as their state is now: a run that was resumed counts as what
-- came of it.
with week as (
    select
        state, preset, engine, coalesce(failure_code, '') as code, coalesce(failure_category, '') as category,
        count(*) as runs,
        count(*) filter (where finished_at >= now() - interval '1 day') as runs_of_a_day
    from aerodag.run
    where finished_at >= now() - interval '7 days' and state in ('succeeded', 'degraded', 'failed', 'cancelled')
    group by 1, 2, 3, 4, 5
)
select '7d' as period, state, preset, engine, code, category, runs from week
union all
select '1d', state, preset, engine, code, category, runs_of_a_day from week where runs_of_a_day > 0
