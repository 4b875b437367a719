-- A row whose sender died comes due again after its lease. Recipients take turns, so that one with a long queue and
-- an address that does not answer keeps nobody waiting.
with clock as (
    select coalesce(%(now)s::timestamptz, now()) as present
),
turn as (
    select outbox.id, row_number() over (partition by outbox.recipient order by outbox.id) as place
    from aerodag.outbox, clock
    where outbox.state in ('pending', 'sending') and outbox.next_attempt_at <= clock.present
)
update aerodag.outbox
set state = 'sending', attempts = attempts + 1, next_attempt_at = clock.present + %(lease)s
from aerodag.subscription, clock
where subscription.id = outbox.subscription_id
    and outbox.id in (
        select due.id
        from aerodag.outbox as due
        join turn on turn.id = due.id
        join aerodag.subscription as wanted on wanted.id = due.subscription_id
        cross join clock
        where due.state in ('pending', 'sending')
            and due.next_attempt_at <= clock.present
            and due.attempts < %(max_attempts)s
            and wanted.active
        order by turn.place, due.id
        limit %(limit)s
        for update of due skip locked
    )
returning
    outbox.id, outbox.message_id, outbox.event, outbox.recipient, outbox.payload, outbox.attempts, outbox.created_at,
    outbox.run_id, subscription.channel, subscription.secret
