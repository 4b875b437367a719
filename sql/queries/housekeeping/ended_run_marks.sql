select id, dataset_id, dag_run_id, state, attempt_at, finished_at
from aerodag.run
where finished_at between %(since)s and %(until)s
    and state not in ('queued', 'running')
order by id
