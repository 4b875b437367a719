select * from aerodag.dataset where id = %(dataset_id)s
