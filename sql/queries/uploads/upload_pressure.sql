-- Open uploads of one owner, and the bytes that all open ones have still to bring.
select
    count(*) filter (where upload.owner = %(owner)s) as own,
    coalesce(sum(greatest(upload.size_bytes - received.chunks * upload.chunk_bytes, 0)), 0)::bigint as bytes_to_come
from aerodag.upload
cross join lateral (
    select count(*) as chunks from aerodag.upload_chunk where upload_chunk.upload_id = upload.id
) as received
where upload.state = 'open' and upload.expires_at > %(now)s
