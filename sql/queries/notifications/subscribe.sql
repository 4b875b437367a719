-- Who comes back after an unsubscription gets a new secret; who only changes the events keeps the old one.
insert into aerodag.subscription as present (channel, address, owner, events, secret)
values (%(channel)s, %(address)s, %(owner)s, %(events)s, %(secret)s)
on conflict (address, owner) do update set
    events = excluded.events,
    secret = case when present.active then present.secret else excluded.secret end,
    active = true
returning *
