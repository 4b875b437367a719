"""The embedded set-up: PostgreSQL from a wheel and Airflow's services on this machine, without Docker or root."""
