insert into aerodag.artifact (
    run_id, dataset_id, kind, uri, bytes, sha256, crs, bbox, footprint, gsd_m, details
)
select
    run.id, coalesce(%(dataset_id)s, run.dataset_id), %(kind)s, %(uri)s, %(bytes)s, %(sha256)s, %(crs)s, %(bbox)s,
    %(footprint)s, %(gsd_m)s, %(details)s
from aerodag.run
where run.id = %(run_id)s
on conflict (run_id, kind) do update set
    uri = excluded.uri,
    bytes = excluded.bytes,
    sha256 = excluded.sha256,
    crs = excluded.crs,
    bbox = excluded.bbox,
    footprint = excluded.footprint,
    gsd_m = excluded.gsd_m,
    details = excluded.details,
    is_current = true,
    updated_at = now()
returning *
