update aerodag.dataset set start_asked_at = now() where id = %(dataset_id)s
