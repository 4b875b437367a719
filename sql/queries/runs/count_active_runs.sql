select count(*) from aerodag.run where state in ('queued', 'running')
