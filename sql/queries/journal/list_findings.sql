select * from aerodag.finding where run_id = %(run_id)s order by id
