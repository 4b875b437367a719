update aerodag.dataset set raw_uri = %(raw_uri)s, quarantined_at = null where id = %(dataset_id)s
