-- The run that a dataset has, or will have next.
select dag_run_id
from (
    select 1 as rank, run.dag_run_id, run.attempt_at as at
    from aerodag.run
    where run.dataset_id = %(dataset_id)s and run.state in ('queued', 'running')
    union all
    select 2, start_request.dag_run_id, start_request.created_at
    from aerodag.start_request
    where start_request.dataset_id = %(dataset_id)s
        and not exists (select from aerodag.run where run.dag_run_id = start_request.dag_run_id)
    union all
    select 3, run.dag_run_id, run.attempt_at
    from aerodag.run
    where run.dataset_id = %(dataset_id)s
    union all
    select 4, aerodag.first_run_id(dataset), dataset.created_at
    from aerodag.dataset
    where dataset.id = %(dataset_id)s
) as candidates
order by rank, at desc
limit 1
