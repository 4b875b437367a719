select * from aerodag.artifact where dataset_id = %(dataset_id)s and kind = %(kind)s and name = %(name)s and is_current
