select *
from aerodag.dataset
where source_uri = %(source_uri)s and archived_at is null
order by created_at desc, id desc
limit 1
