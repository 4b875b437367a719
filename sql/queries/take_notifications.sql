-- A row whose sender died comes due again after its lease.
update aerodag.outbox
set state = 'sending', attempts = attempts + 1, next_attempt_at = now() + %(lease)s
where id in (
    select id
    from aerodag.outbox
    where state in ('pending', 'sending') and next_attempt_at <= now()
    order by next_attempt_at
    limit %(limit)s
    for update skip locked
)
returning *
