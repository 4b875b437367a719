select
    upload.*,
    array(
        select upload_chunk.index from aerodag.upload_chunk where upload_chunk.upload_id = upload.id order by index
    ) as chunks
from aerodag.upload
where owner = %(owner)s and state = 'open' and expires_at > %(now)s
order by created_at, id
