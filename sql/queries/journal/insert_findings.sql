insert into aerodag.finding (run_id, step, severity, code, image, message, advice, numbers)
select distinct on (found.code, found.image, found.message)
    %(run_id)s, %(step)s, found.severity, found.code, found.image, found.message, found.advice, found.numbers
from jsonb_to_recordset(%(findings)s) as found (
    severity text, code text, image text, message text, advice text, numbers jsonb
)
on conflict (run_id, code, image, md5(message)) do update set
    severity = excluded.severity,
    advice = excluded.advice,
    numbers = excluded.numbers
