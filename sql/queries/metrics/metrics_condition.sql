-- One row: whom or what the ledger waits for, and when those who keep it going last did their round.
select
    (select count(*) from aerodag.waiting_review) as reviews,
    (
        select coalesce(extract(epoch from now() - min(asked_at)), 0)::double precision from aerodag.waiting_review
    ) as review_oldest_s,
    (
        select count(*) from aerodag.run
        where run.state in ('queued', 'running')
            and exists (
                select from aerodag.event
                where event.run_id = run.id and event.kind = 'run.late' and event.created_at >= run.attempt_at
            )
    ) as late,
    (select count(*) from aerodag.dataset where quarantined_at is not null and archived_at is null) as quarantined,
    (select count(*) from aerodag.outbox where state in ('pending', 'sending')) as notifications,
    (
        select coalesce(greatest(extract(epoch from now() - min(next_attempt_at)), 0), 0)::double precision
        from aerodag.outbox
        where state in ('pending', 'sending')
    ) as notification_overdue_s,
    (select count(*) from aerodag.outbox where state = 'failed') as notifications_dropped,
    done.swept_at,
    done.looked_at,
    (select coalesce(array_agg(kind), '{}') from aerodag.hold) as holds
from (
    select
        extract(epoch from max(since) filter (where subject = 'sweep'))::double precision as swept_at,
        extract(epoch from max(since) filter (where subject = 'incoming'))::double precision as looked_at
    from aerodag.observation
    where kind = 'done'
) as done
