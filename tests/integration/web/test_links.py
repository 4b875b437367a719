"""The ways from Airflow's pages to those of the project, as Airflow's own API tells them."""

from __future__ import annotations

import httpx
import pytest
from airflow.sdk.types import TaskInstanceKey

from aerodag.airflow.web.links import VIEWS, DatasetLink


@pytest.mark.e2e
def test_airflow_shows_the_pages(server):
    token = {"Authorization": f"Bearer {server.token('ada')}"}
    told = httpx.get(f"{server.url}/api/v2/plugins", headers=token, timeout=60).json()["plugins"]
    (plugin,) = [plugin for plugin in told if plugin["name"] == "aerodag"]
    views = {view["destination"]: view for view in plugin["external_views"]}
    assert views["nav"]["href"] == "aerodag/datasets"
    assert views["dag_run"]["href"] == "aerodag/datasets?run={RUN_ID}"
    for view in views.values():
        page = httpx.get(f"{server.url}/{view['href']}", timeout=60)
        assert page.headers["content-type"].startswith("text/html")
        assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
        icon = httpx.get(f"{server.url}/{view['icon']}", timeout=60)
        assert icon.headers["content-type"] == "image/svg+xml"
    errors = httpx.get(f"{server.url}/api/v2/plugins/importErrors", headers=token, timeout=60).json()
    assert errors["total_entries"] == 0


def test_a_task_leads_to_the_dataset_of_its_run():
    link = DatasetLink()
    key = TaskInstanceKey("process_dataset", "cog", "manual__2026-11-21T08:00:00+00:00", 1, -1)
    address = link.get_link(link.operators[0], ti_key=key)
    assert address == "dags/process_dataset/runs/manual__2026-11-21T08%3A00%3A00%2B00%3A00/plugin/dataset"
    assert address.endswith(VIEWS[1]["url_route"])


def test_every_task_of_the_dag_has_the_link():
    names = {operator.__name__ for operator in DatasetLink().operators}
    assert names == {"ClaimOperator", "StepOperator", "ReviewOperator", "OdmOperator"}
