with earlier as (
    update aerodag.engine_stage
    set finished_at = %(started_at)s
    where run_id = %(run_id)s and stage <> %(stage)s and finished_at is null and started_at <= %(started_at)s
)
insert into aerodag.engine_stage as present (run_id, stage, percent, started_at)
values (%(run_id)s, %(stage)s, %(percent)s, %(started_at)s)
on conflict (run_id, stage) do update set
    -- A start after the end is the stage being done again; otherwise a late report never takes progress back.
    percent = case
        when excluded.started_at >= present.finished_at then excluded.percent
        else greatest(present.percent, excluded.percent)
    end,
    started_at = case
        when excluded.started_at >= present.finished_at then excluded.started_at
        else least(present.started_at, excluded.started_at)
    end,
    finished_at = case when excluded.started_at >= present.finished_at then null else present.finished_at end
