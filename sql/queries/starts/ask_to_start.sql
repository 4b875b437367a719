update aerodag.dataset set start_asked_at = now(), start_asks = start_asks + 1 where id = %(dataset_id)s
