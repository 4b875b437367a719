insert into aerodag.start_request (dataset_id, dag_run_id, conf, priority, reason, requested_by)
values (%(dataset_id)s, %(dag_run_id)s, %(conf)s, %(priority)s, %(reason)s, %(requested_by)s)
on conflict (dag_run_id) do nothing
