select pg_advisory_unlock(hashtextextended('aerodag.upload.' || %(id)s::text, 0))
