update aerodag.run
set state = 'running',
    attempt_at = case when state in ('queued', 'running') then attempt_at else clock_timestamp() end,
    started_at = coalesce(started_at, clock_timestamp()),
    finished_at = null,
    failure_code = null,
    failure_category = null,
    message = null,
    advice = null
where id = %(run_id)s
returning *
