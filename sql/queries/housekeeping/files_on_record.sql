-- What has to be on storage. The files of a run that is under way may just be being replaced.
select 'artifact' as type, artifact.id, artifact.dataset_id, artifact.run_id, artifact.kind, artifact.name,
    artifact.uri, artifact.bytes
from aerodag.artifact
where (artifact.dataset_id = any(%(datasets)s) or artifact.id = any(%(artifacts)s))
    and artifact.is_current
    and not exists (select from aerodag.run where run.id = artifact.run_id and run.state in ('queued', 'running'))
union all
select 'dataset', dataset.id, dataset.id, null, 'upload', '', dataset.raw_uri, dataset.size_bytes
from aerodag.dataset
where (dataset.id = any(%(datasets)s) or dataset.id = any(%(uploads)s))
    and dataset.raw_uri is not null
    and dataset.archived_at is null
