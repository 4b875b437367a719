select * from aerodag.run where dag_run_id = %(dag_run_id)s
