-- Only the sender that holds it: after its lease another may have sent it meanwhile.
update aerodag.outbox
set state = case when %(retry_after)s::interval is null then 'failed' else 'pending' end,
    next_attempt_at = coalesce(coalesce(%(now)s::timestamptz, now()) + %(retry_after)s::interval, next_attempt_at),
    error = %(error)s
where id = %(notification_id)s and state = 'sending' and attempts = %(attempts)s
