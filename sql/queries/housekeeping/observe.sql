insert into aerodag.observation (kind, subject, since)
select %(kind)s, subject, %(now)s from unnest(%(subjects)s::text[]) as subject
on conflict do nothing
