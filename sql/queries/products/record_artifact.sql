-- Current at once where nothing is to be kept valid meanwhile: evidence, and the first product of its kind and name.
insert into aerodag.artifact (
    run_id, dataset_id, kind, name, uri, bytes, sha256, crs, bbox, footprint, gsd_m, details, is_current
)
select
    run.id, coalesce(%(dataset_id)s, run.dataset_id), %(kind)s, %(name)s, %(uri)s, %(bytes)s, %(sha256)s, %(crs)s,
    %(bbox)s, %(footprint)s, %(gsd_m)s, %(details)s,
    not exists (
        select
        from aerodag.artifact as other
        where other.dataset_id = run.dataset_id and other.kind = %(kind)s and other.name = %(name)s and other.is_current
            and other.run_id <> run.id
    )
from aerodag.run
where run.id = %(run_id)s
on conflict (run_id, kind, name) do update set
    uri = excluded.uri,
    bytes = excluded.bytes,
    sha256 = excluded.sha256,
    crs = excluded.crs,
    bbox = excluded.bbox,
    footprint = excluded.footprint,
    gsd_m = excluded.gsd_m,
    details = excluded.details,
    is_current = artifact.is_current or excluded.is_current,
    removed_at = null,
    updated_at = now()
returning *
