-- Nothing where the upload is not open any more.
insert into aerodag.upload_chunk (upload_id, index, sha256)
select id, %(index)s, %(sha256)s
from aerodag.upload
where id = %(id)s and state = 'open'
on conflict do nothing
