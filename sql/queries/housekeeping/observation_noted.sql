insert into aerodag.observation (kind, subject, since, details)
values (%(kind)s, %(subject)s, %(now)s, %(details)s)
on conflict (kind, subject) do update set since = excluded.since, details = excluded.details
