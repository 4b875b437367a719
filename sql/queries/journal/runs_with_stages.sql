select run.id
from aerodag.run
where run.dataset_id = %(dataset_id)s
    and run.id <> %(before)s
    and exists (select from aerodag.engine_stage where engine_stage.run_id = run.id)
order by run.attempt_at desc, run.id desc
limit 20
