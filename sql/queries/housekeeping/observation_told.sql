update aerodag.observation set told_at = %(now)s where kind = %(kind)s and subject = any(%(subjects)s)
