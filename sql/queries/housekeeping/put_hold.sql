insert into aerodag.hold (kind, since, reason) values (%(kind)s, %(now)s, %(reason)s)
on conflict (kind) do nothing
