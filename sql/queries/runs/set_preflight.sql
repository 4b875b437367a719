update aerodag.run set preflight = %(report)s where id = %(run_id)s
