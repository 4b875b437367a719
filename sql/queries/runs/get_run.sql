select * from aerodag.run where id = %(run_id)s
