update aerodag.dataset
set captured_from = %(captured_from)s, captured_to = %(captured_to)s, captured_source = %(captured_source)s
where id = %(dataset_id)s
