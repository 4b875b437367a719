select pg_try_advisory_lock(hashtextextended('aerodag.upload.' || %(id)s::text, 0))
