select
    subscription.*,
    told.waiting,
    told.sent,
    told.failed,
    (
        select outbox.error
        from aerodag.outbox
        where outbox.subscription_id = subscription.id and outbox.error is not null
        order by outbox.id desc
        limit 1
    ) as last_error
from aerodag.subscription
cross join lateral (
    select
        count(*) filter (where outbox.state in ('pending', 'sending')) as waiting,
        count(*) filter (where outbox.state = 'sent') as sent,
        count(*) filter (where outbox.state = 'failed') as failed
    from aerodag.outbox
    where outbox.subscription_id = subscription.id
) as told
where subscription.active
order by subscription.address, subscription.owner nulls first
