insert into aerodag.engine_stage as present (run_id, stage, percent, started_at, finished_at)
select %(run_id)s, item.stage, item.percent, item.started_at, item.finished_at
from jsonb_to_recordset(%(stages)s) as item (
    stage text, percent double precision, started_at timestamptz, finished_at timestamptz
)
on conflict (run_id, stage) do update set
    percent = excluded.percent,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at
