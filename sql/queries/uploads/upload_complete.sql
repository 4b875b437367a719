with done as (
    update aerodag.upload set state = 'complete', completed_at = %(now)s where id = %(id)s and state = 'open'
    returning id
)
delete from aerodag.upload_chunk using done where upload_id = done.id
