delete from aerodag.hold where kind = %(kind)s
