-- A page of the datasets that a viewer sees, newest first, from a place in that order on. All words have to be found.
select item.*
from (
    select summary.dataset_id, summary.created_at
    from aerodag.dataset_summary as summary
    where (%(sees_all)s or summary.access <> 'private' or summary.owner = %(viewer)s)
        and (%(state)s::text is null or summary.state = %(state)s)
        and (%(upload_type)s::text is null or summary.upload_type = %(upload_type)s)
        and (%(words)s::text[] is null or summary.words like all (%(words)s::text[]))
        and (
            %(after_at)s::timestamptz is null
            or (summary.created_at, summary.dataset_id) < (%(after_at)s::timestamptz, %(after_id)s::bigint)
        )
    order by summary.created_at desc, summary.dataset_id desc
    limit %(limit)s
) as page
-- "offset 0" keeps the planner from making all items before it takes those of the page.
cross join lateral (select * from aerodag.dataset_item where id = page.dataset_id offset 0) as item
order by page.created_at desc, page.dataset_id desc
