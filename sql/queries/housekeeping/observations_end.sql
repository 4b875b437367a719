delete from aerodag.observation where kind = %(kind)s and subject = any(%(subjects)s)
