-- The files of some runs that are still kept.
select
    artifact.id,
    artifact.run_id,
    artifact.kind,
    artifact.name,
    artifact.uri,
    artifact.bytes,
    artifact.sha256,
    artifact.gsd_m * 100 as gsd_cm,
    artifact.crs,
    coalesce(artifact.details ->> 'height_datum', artifact.details -> 'raster' ->> 'vertical_datum') as height_datum,
    artifact.bbox,
    artifact.is_current
from aerodag.artifact
where artifact.run_id = any (%(run_ids)s) and artifact.removed_at is null
order by artifact.kind, artifact.name
