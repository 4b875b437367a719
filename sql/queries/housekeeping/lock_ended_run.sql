-- Who resumes the run waits for the lock. A job that still exists works in the run's folder.
select id
from aerodag.run
where id = %(run_id)s
    and state not in ('queued', 'running')
    and not exists (
        select from aerodag.engine_job where engine_job.run_id = run.id and engine_job.discarded_at is null
    )
for update
