select id from aerodag.upload where id = any (%(ids)s) and state = 'open'
