select *
from aerodag.engine_job
where engine = %(engine)s and job = %(job)s
