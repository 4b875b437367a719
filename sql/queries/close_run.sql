-- Without a code of its own, a failed run takes the failure of the step that failed last.
with culprit as (
    select newest.*
    from (
        select distinct on (step.name, step.map_index) step.*
        from aerodag.step
        join aerodag.run on run.id = step.run_id
        where run.dag_run_id = %(dag_run_id)s and step.name <> 'cleanup'
        order by step.name, step.map_index, step.try_number desc
    ) as newest
    where newest.state in ('failed', 'retrying')
        and %(state)s::text = 'failed' and %(code)s::text is null
    order by newest.recorded_at desc
    limit 1
)
update aerodag.run
set state = %(state)s,
    finished_at = clock_timestamp(),
    failure_code = coalesce(%(code)s, (select failure_code from culprit)),
    failure_category = coalesce(
        %(category)s, case when %(state)s::text = 'cancelled' then 'cancelled' end, (select failure_category from culprit)
    ),
    message = coalesce(%(message)s, (select message from culprit)),
    advice = coalesce(%(advice)s, (select advice from culprit))
where dag_run_id = %(dag_run_id)s and state in ('queued', 'running')
returning *
