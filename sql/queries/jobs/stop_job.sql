update aerodag.engine_job
set stop_reason = coalesce(stop_reason, %(reason)s)
where engine = %(engine)s and job = %(job)s and ended_at is null
