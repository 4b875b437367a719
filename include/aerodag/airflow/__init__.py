"""The only room that knows both Airflow and the domain."""
