"""Airflow sensors of the pipeline."""
