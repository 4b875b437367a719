-- What is due and shall not be tried: its recipient has unsubscribed, or the sender of its last try died.
update aerodag.outbox
set state = case when subscription.active then 'failed' else 'skipped' end,
    error = case when subscription.active then %(error)s else 'The recipient has unsubscribed.' end
from aerodag.subscription
where subscription.id = outbox.subscription_id
    and outbox.state in ('pending', 'sending')
    and outbox.next_attempt_at <= coalesce(%(now)s::timestamptz, now())
    and (not subscription.active or outbox.attempts >= %(max_attempts)s)
returning outbox.id, outbox.event, outbox.run_id, outbox.attempts, outbox.state, subscription.channel
