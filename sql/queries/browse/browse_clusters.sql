-- The datasets found within some boxes, by the cells of a grid of so many degrees that their middles lie in.
select
    count(*) as count,
    sum(summary.longitude) / count(*) as longitude,
    sum(summary.latitude) / count(*) as latitude,
    min(summary.west) as west,
    min(summary.south) as south,
    max(summary.east) as east,
    max(summary.north) as north
from aerodag.dataset_summary as summary
where summary.longitude is not null
    and (%(boxes)s::text[] is null or summary.place && any (%(boxes)s::text[]::box[]))
    and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
    and (%(state)s::text is null or summary.state = %(state)s)
    and (%(words)s::text[] is null or summary.words like all (%(words)s::text[]))
group by floor(summary.longitude / %(cell)s), floor(summary.latitude / %(cell)s)
order by count(*) desc
limit %(limit)s
