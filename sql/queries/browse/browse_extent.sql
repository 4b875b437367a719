-- The edges of all datasets that are found and lie somewhere; those across the antimeridian reach beyond 180.
select
    min(summary.west) as west, min(summary.south) as south, max(summary.east) as east, max(summary.north) as north
from aerodag.dataset_summary as summary
where (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
    and (%(state)s::text is null or summary.state = %(state)s)
    and (%(words)s::text[] is null or summary.words like all (%(words)s::text[]))
