select * from aerodag.image where dataset_id = %(dataset_id)s and status = 'assigned' order by zip_path
