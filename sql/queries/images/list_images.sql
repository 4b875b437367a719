select * from aerodag.image where dataset_id = %(dataset_id)s order by zip_path
