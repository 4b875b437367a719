-- A file of a dataset that the viewer sees: by its id, by the run that made it, or the one that is valid for a dataset.
select
    artifact.id,
    artifact.run_id,
    artifact.dataset_id,
    artifact.kind,
    artifact.name,
    artifact.uri,
    artifact.bytes,
    artifact.sha256,
    dataset.name as dataset,
    dataset.owner,
    dataset.access
from aerodag.artifact
join aerodag.dataset on dataset.id = artifact.dataset_id
where (%(artifact_id)s::bigint is null or artifact.id = %(artifact_id)s)
    and (%(run_id)s::bigint is null or artifact.run_id = %(run_id)s)
    and (%(dataset_id)s::bigint is null or (artifact.dataset_id = %(dataset_id)s and artifact.is_current))
    and (%(kind)s::text is null or (artifact.kind = %(kind)s and artifact.name = ''))
    and artifact.removed_at is null
    and (%(sees_all)s or dataset.access <> 'private' or dataset.owner = %(viewer)s)
