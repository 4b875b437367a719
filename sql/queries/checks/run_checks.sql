select * from aerodag.run_quality where run_id = %(run_id)s order by place, name
