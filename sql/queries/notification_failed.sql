update aerodag.outbox
set state = case when %(retry_at)s::timestamptz is null then 'failed' else 'pending' end,
    next_attempt_at = coalesce(%(retry_at)s, next_attempt_at),
    error = %(error)s
where id = %(notification_id)s
