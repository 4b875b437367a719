select *
from aerodag.artifact
where dataset_id = %(dataset_id)s
    and kind = %(kind)s
    and name = %(name)s
    and (run_id = %(run_id)s or is_current)
order by run_id = %(run_id)s desc
limit 1
