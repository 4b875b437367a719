select exists (select from aerodag.outbox where state in ('pending', 'sending') and next_attempt_at <= now())
