update aerodag.outbox set state = 'sent', sent_at = now(), error = null where id = %(notification_id)s
