update aerodag.run
set engine = %(engine)s, plan = %(plan)s, engine_digest = coalesce(%(engine_digest)s, engine_digest)
where id = %(run_id)s
