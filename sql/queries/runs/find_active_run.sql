select * from aerodag.run where dataset_id = %(dataset_id)s and state in ('queued', 'running')
