select id, dataset_id, dag_run_id, state, attempt_at, finished_at
from aerodag.run
where id = any(%(run_ids)s)
