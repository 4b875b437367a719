-- What a step on record failed of says more than the words given; of several, the first of the present attempt.
with culprit as (
    select newest.failure_code, newest.failure_category, newest.message, newest.advice
    from (
        select distinct on (step.name, step.map_index) step.*, run.attempt_at
        from aerodag.step
        join aerodag.run on run.id = step.run_id
        where run.dag_run_id = %(dag_run_id)s and step.name <> 'cleanup'
        order by step.name, step.map_index, step.try_number desc
    ) as newest
    where %(state)s::text = 'failed'
        and newest.failure_code is not null
        and (newest.state = 'failed' or (newest.state = 'retrying' and %(code)s::text is null))
    order by newest.state = 'failed' desc, newest.recorded_at >= newest.attempt_at desc, newest.finished_at
    limit 1
),
verdict as (
    select * from culprit
    union all
    select
        %(code)s::text,
        coalesce(%(category)s::text, case when %(state)s::text = 'cancelled' then 'cancelled' end),
        %(message)s::text,
        %(advice)s::text
    where not exists (select from culprit)
)
update aerodag.run
set state = %(state)s,
    finished_at = clock_timestamp(),
    failure_code = verdict.failure_code,
    failure_category = verdict.failure_category,
    message = verdict.message,
    advice = verdict.advice
from verdict
where run.dag_run_id = %(dag_run_id)s and run.state in ('queued', 'running')
returning run.*
