-- How many of the runs that ended in the last %(days)s days went well, by day (UTC), by preset, and all together. Runs
-- that a person cancelled are counted and left out of the rate.
select
    case when grouping(ended.day) = 0 then 'day' when grouping(ended.preset) = 0 then 'preset' else 'all' end as by,
    coalesce(ended.day::text, ended.preset, '') as of,
    count(*) as runs,
    count(*) filter (where ended.state = 'succeeded') as succeeded,
    count(*) filter (where ended.state = 'degraded') as degraded,
    count(*) filter (where ended.state = 'failed') as failed,
    count(*) filter (where ended.state = 'cancelled') as cancelled,
    round(
        count(*) filter (where ended.state in ('succeeded', 'degraded'))::numeric
        / nullif(count(*) filter (where ended.state <> 'cancelled'), 0), 3
    ) as success_rate
from (
    select (run.finished_at at time zone 'utc')::date as day, run.preset, run.state
    from aerodag.run
    where run.finished_at >= now() - make_interval(days => %(days)s)
        and run.state in ('succeeded', 'degraded', 'failed', 'cancelled')
) as ended
group by grouping sets ((ended.day), (ended.preset), ())
order by grouping(ended.day), grouping(ended.preset), ended.day desc, ended.preset
