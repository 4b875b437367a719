-- The first start of the run's present attempt set the clock; what a person stopped does not count.
select engine_job.deadline
from aerodag.engine_job
join aerodag.run on run.id = engine_job.run_id
where engine_job.run_id = %(run_id)s
    and engine_job.submitted_at >= run.attempt_at
    and engine_job.stop_reason is distinct from 'cancelled'
order by engine_job.submitted_at
limit 1
