update aerodag.dataset
set raw_uri = %(raw_uri)s, quarantined_at = coalesce(quarantined_at, now())
where id = %(dataset_id)s
