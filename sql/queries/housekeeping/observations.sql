select * from aerodag.observation where kind = %(kind)s order by since, subject
