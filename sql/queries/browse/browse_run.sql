-- A run of a dataset that the viewer sees.
select run.id as run_id, run.dataset_id, run.dag_run_id, run.state
from aerodag.run
join aerodag.dataset on dataset.id = run.dataset_id
where run.dag_run_id = %(dag_run_id)s
    and (%(sees_all)s or dataset.access <> 'private' or dataset.owner = %(viewer)s)
