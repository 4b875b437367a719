select * from aerodag.review where run_id = %(run_id)s order by id
