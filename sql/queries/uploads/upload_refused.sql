with done as (
    update aerodag.upload
    set refusal = %(refusal)s, state = 'complete', completed_at = coalesce(completed_at, clock_timestamp())
    where source_uri = %(source_uri)s and dataset_id is null
    returning id
)
delete from aerodag.upload_chunk using done where upload_id = done.id
