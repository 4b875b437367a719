select * from aerodag.vegetation_index where run_id = %(run_id)s order by id
