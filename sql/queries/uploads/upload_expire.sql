with ended as (
    update aerodag.upload
    set state = 'expired'
    where state = 'open'
        and expires_at <= %(now)s
        and pg_try_advisory_xact_lock(hashtextextended('aerodag.upload.' || id::text, 0))
    returning id, name, owner, size_bytes, created_at
),
chunks as (
    delete from aerodag.upload_chunk using ended where upload_id = ended.id
)
select id, name, owner, size_bytes, created_at from ended
