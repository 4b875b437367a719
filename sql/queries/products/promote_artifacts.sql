update aerodag.artifact set is_current = true where run_id = %(run_id)s and not is_current
