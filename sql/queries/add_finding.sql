insert into aerodag.finding (run_id, severity, code, image, message, advice, numbers)
values (%(run_id)s, %(severity)s, %(code)s, %(image)s, %(message)s, %(advice)s, %(numbers)s)
on conflict (run_id, code, image, md5(message)) do update set
    severity = excluded.severity,
    advice = excluded.advice,
    numbers = excluded.numbers
