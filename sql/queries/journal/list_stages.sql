select *
from aerodag.engine_stage
where run_id = %(run_id)s
order by started_at, percent
