select * from aerodag.rtk_file where dataset_id = %(dataset_id)s order by zip_path
