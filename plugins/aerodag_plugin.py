"""Registers with Airflow what is not a DAG: the listener that records every step."""

from airflow.plugins_manager import AirflowPlugin

from aerodag.airflow import listener


class AerodagPlugin(AirflowPlugin):
    """Aerodag's extensions of Airflow."""

    name = "aerodag"
    listeners = [listener]  # noqa: RUF012 - Airflow declares it so
