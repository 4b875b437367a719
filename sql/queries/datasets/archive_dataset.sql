update aerodag.dataset set archived_at = coalesce(archived_at, now()) where id = %(dataset_id)s
