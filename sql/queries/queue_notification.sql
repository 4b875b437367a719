insert into aerodag.outbox (run_id, event, recipient, payload)
values (%(run_id)s, %(event)s, %(recipient)s, %(payload)s)
on conflict (run_id, event, recipient) do nothing
