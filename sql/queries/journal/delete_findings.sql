delete from aerodag.finding where run_id = %(run_id)s and step = %(step)s
