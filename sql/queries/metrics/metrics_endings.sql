-- How often runs have ended and how. A count that appears with its first event is never seen to grow, so that the ends
-- which the active runs may come to are there before, with 0.
select * from aerodag.ending_total
union all
select distinct possible.state, run.preset, run.engine, '', '', 0, 0, 0
from aerodag.run
cross join unnest(array['succeeded', 'degraded', 'failed', 'cancelled']) as possible (state)
where run.state in ('queued', 'running')
    and not exists (
        select from aerodag.ending_total as known
        where known.state = possible.state and known.preset = run.preset and known.engine = run.engine and known.code = ''
    )
