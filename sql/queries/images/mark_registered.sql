update aerodag.image
set registered = engine_name in (select unnest(%(engine_names)s::text[]))
where dataset_id = %(dataset_id)s and status = 'assigned'
