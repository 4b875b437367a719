-- The same question again takes the place of the one that nobody answered.
insert into aerodag.review as present (run_id, due_at, verdict, question, default_answer)
values (%(run_id)s, %(due_at)s, %(verdict)s, %(question)s, %(default_answer)s)
on conflict (run_id) where answered_at is null do update set
    asked_at = clock_timestamp(),
    due_at = excluded.due_at,
    verdict = excluded.verdict,
    question = excluded.question,
    default_answer = excluded.default_answer
