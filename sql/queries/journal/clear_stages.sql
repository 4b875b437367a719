delete from aerodag.engine_stage where run_id = %(run_id)s and stage <> all(%(keep)s)
