select id, dataset_id, dag_run_id, state, attempt_at, finished_at
from aerodag.run
where state in ('queued', 'running')
order by id
