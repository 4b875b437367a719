insert into aerodag.event (dataset_id, run_id, kind, message, details)
values (
    coalesce(%(dataset_id)s, (select run.dataset_id from aerodag.run where run.id = %(run_id)s)),
    %(run_id)s, %(kind)s, %(message)s, %(details)s
)
