"""Airflow triggers of the pipeline."""
