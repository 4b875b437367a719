"""What Airflow's API server serves of this project, beside its own API."""
