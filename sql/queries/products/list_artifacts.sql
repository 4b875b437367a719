select * from aerodag.artifact where run_id = %(run_id)s order by id
