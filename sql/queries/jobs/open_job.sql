-- The same job again, found by a later try, keeps its row.
insert into aerodag.engine_job as present (run_id, attempt, engine, job, name, deadline, rerun_from)
values (%(run_id)s, %(attempt)s, %(engine)s, %(job)s, %(name)s, %(deadline)s, %(rerun_from)s)
on conflict (engine, job) do update set name = present.name
returning *
