update aerodag.engine_job
set ended_at = coalesce(ended_at, clock_timestamp()),
    exit_code = %(exit_code)s,
    failure_code = %(failure_code)s,
    failed_stage = %(failed_stage)s,
    remedy = %(remedy)s
where engine = %(engine)s and job = %(job)s
