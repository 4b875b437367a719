"""Registers with Airflow what is not a DAG: listeners, the API and pages, the ways to them."""

from airflow.plugins_manager import AirflowPlugin

from aerodag.airflow import listener, preload
from aerodag.airflow.web.entry import api
from aerodag.airflow.web.links import VIEWS, DatasetLink


class AerodagPlugin(AirflowPlugin):
    """Aerodag's extensions of Airflow."""

    name = "aerodag"
    listeners = [listener, preload]  # noqa: RUF012 - Airflow declares it so
    fastapi_apps = [{"app": api, "url_prefix": "/aerodag", "name": "Aerodag"}]  # noqa: RUF012
    external_views = VIEWS
    operator_extra_links = [DatasetLink()]  # noqa: RUF012
