delete from aerodag.image where dataset_id = %(dataset_id)s
