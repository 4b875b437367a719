insert into aerodag.vegetation_index (
    run_id, dataset_id, name, reason, note, count, mean, std, min, max, percentiles, classes, healthy
)
select
    run.id, run.dataset_id, found.name, found.reason, found.note, found.count, found.mean, found.std, found.min,
    found.max, found.percentiles, coalesce(found.classes, '[]'), found.healthy
from aerodag.run,
    jsonb_to_recordset(%(indices)s) as found (
        name text, reason text, note text, count bigint, mean double precision, std double precision,
        min double precision, max double precision, percentiles jsonb, classes jsonb, healthy double precision
    )
where run.id = %(run_id)s
