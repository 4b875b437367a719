select *
from aerodag.engine_job
where run_id = %(run_id)s
order by id desc
limit 1
