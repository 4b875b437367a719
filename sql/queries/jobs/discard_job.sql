update aerodag.engine_job
set discarded_at = coalesce(discarded_at, clock_timestamp())
where engine = %(engine)s and job = %(job)s
