insert into aerodag.engine_stage (run_id, stage, percent, started_at, finished_at)
select %(run_id)s, stage, percent, started_at, finished_at
from aerodag.engine_stage
where run_id = %(from_run_id)s
on conflict (run_id, stage) do nothing
