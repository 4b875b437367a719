update aerodag.engine_job
set watched_at = clock_timestamp(),
    lines_shown = greatest(lines_shown, %(lines_shown)s),
    peak_memory_bytes = greatest(peak_memory_bytes, %(peak_memory_bytes)s),
    expected_at = coalesce(%(expected_at)s, expected_at)
where engine = %(engine)s and job = %(job)s
