"""Registers with Airflow what is not a DAG: the listener that records every step, and the API."""

from airflow.plugins_manager import AirflowPlugin

from aerodag.airflow import listener
from aerodag.airflow.web.entry import api


class AerodagPlugin(AirflowPlugin):
    """Aerodag's extensions of Airflow."""

    name = "aerodag"
    listeners = [listener]  # noqa: RUF012 - Airflow declares it so
    fastapi_apps = [{"app": api, "url_prefix": "/aerodag", "name": "Aerodag"}]  # noqa: RUF012
