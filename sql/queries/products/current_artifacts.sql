select * from aerodag.artifact where dataset_id = %(dataset_id)s and is_current order by kind, name
