select *
from aerodag.engine_job
where engine = %(engine)s and discarded_at is null
order by id
