select *
from aerodag.engine_stage
where run_id = %(run_id)s
order by finished_at is null desc, started_at desc, percent desc nulls last
limit 1
