select id from aerodag.dataset where id = %(dataset_id)s for no key update
