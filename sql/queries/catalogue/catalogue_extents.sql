-- Boxes that cross the antimeridian have their west east of their east, and are put together by themselves.
select
    min(artifact.bbox[1]) as west,
    min(artifact.bbox[2]) as south,
    max(artifact.bbox[3]) as east,
    max(artifact.bbox[4]) as north,
    min(dataset.captured_from) as captured_from,
    max(dataset.captured_to) as captured_to,
    array_agg(distinct artifact.dataset_id / %(group_size)s) as groups
from aerodag.artifact
join aerodag.dataset on dataset.id = artifact.dataset_id
where artifact.kind = 'stac' and artifact.is_current and dataset.archived_at is null and dataset.access <> 'private'
group by artifact.bbox[1] > artifact.bbox[3]
