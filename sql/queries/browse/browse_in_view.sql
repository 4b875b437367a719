-- How many datasets are found within some boxes, counted up to a limit.
select count(*)
from (
    select
    from aerodag.dataset_summary as summary
    where summary.longitude is not null
        and (%(boxes)s::text[] is null or summary.place && any (%(boxes)s::text[]::box[]))
        and (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
        and (%(state)s::text is null or summary.state = %(state)s)
        and (%(words)s::text[] is null or summary.words like all (%(words)s::text[]))
    limit %(limit)s
) as found
