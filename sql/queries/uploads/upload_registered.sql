-- Whoever found it in the incoming location has proved that it was brought there whole.
with done as (
    update aerodag.upload
    set dataset_id = %(dataset_id)s,
        already_known = %(already_known)s,
        refusal = null,
        state = 'complete',
        completed_at = coalesce(completed_at, clock_timestamp())
    where id = %(id)s and dataset_id is null
    returning id
)
delete from aerodag.upload_chunk using done where upload_id = done.id
