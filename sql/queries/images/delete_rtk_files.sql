delete from aerodag.rtk_file where dataset_id = %(dataset_id)s
