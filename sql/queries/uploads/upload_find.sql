select
    upload.*,
    array(
        select upload_chunk.index from aerodag.upload_chunk where upload_chunk.upload_id = upload.id order by index
    ) as chunks
from aerodag.upload
where id = %(id)s
