update aerodag.artifact set removed_at = %(now)s where id = any(%(artifacts)s)
