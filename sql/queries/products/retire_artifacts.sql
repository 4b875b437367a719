update aerodag.artifact
set is_current = false
from aerodag.run
where run.id = %(run_id)s
    and artifact.dataset_id = run.dataset_id
    and artifact.kind = %(kind)s
    and artifact.name = %(name)s
    and artifact.run_id <> run.id
    and artifact.is_current
