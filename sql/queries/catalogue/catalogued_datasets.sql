select artifact.dataset_id
from aerodag.artifact
join aerodag.dataset on dataset.id = artifact.dataset_id
where artifact.kind = 'stac'
    and artifact.is_current
    and artifact.dataset_id between %(first)s and %(last)s
    and dataset.archived_at is null
    and dataset.access <> 'private'
order by artifact.dataset_id
