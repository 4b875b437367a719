-- What the run made anew; and where it made a new orthophoto, what belongs to the reconstruction of the old one.
update aerodag.artifact
set is_current = false
from aerodag.run
where run.id = %(run_id)s
    and artifact.dataset_id = run.dataset_id
    and artifact.run_id <> run.id
    and artifact.is_current
    and exists (
        select
        from aerodag.artifact as made
        where made.run_id = run.id
            and (
                (made.kind, made.name) = (artifact.kind, artifact.name)
                or (made.kind = 'orthophoto' and artifact.kind = any(%(companions)s))
            )
    )
