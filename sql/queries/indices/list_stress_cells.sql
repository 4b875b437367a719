select * from aerodag.stress_cell where run_id = %(run_id)s and name = %(name)s order by "row", col
