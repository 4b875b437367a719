select *
from aerodag.step
where run_id = %(run_id)s
order by min(started_at) over (partition by name, map_index), name, map_index, try_number
