"""The few REST calls that the demo makes to Airflow, as any frontend would."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aerodag.errors import InfrastructureError
from aerodag.local.state import USER, Serving

# What an API server that starts, ends or has lost its database answers.
NO_ANSWER = (OSError, ValueError, http.client.HTTPException)
COMPONENTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@dataclass(frozen=True, slots=True)
class AirflowClient:
    """Airflow's REST API v2 at one address."""

    url: str
    password: str

    @classmethod
    def of(cls, serving: Serving, password: str) -> AirflowClient:
        """The API of a running set-up."""
        return cls(serving.url, password)

    def missing_components(self) -> list[str]:
        """Which of Airflow's components are not healthy yet."""
        try:
            health = self._call("GET", "/api/v2/monitor/health", None)
        except NO_ANSWER:
            return ["api_server", *COMPONENTS]
        return [name for name in COMPONENTS if (health.get(name) or {}).get("status") != "healthy"]

    def trigger(self, dag_id: str, dag_run_id: str, conf: dict[str, Any]) -> None:
        """Start a run."""
        body = {"dag_run_id": dag_run_id, "logical_date": None, "conf": conf}
        self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", self._token(), body)

    def has_dag(self, dag_id: str) -> bool:
        """Whether Airflow has parsed a DAG."""
        try:
            self._call("GET", f"/api/v2/dags/{dag_id}", self._token())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def queued_tasks(self, before: datetime) -> int:
        """How many tasks have waited for a worker since ``before``, with a time zone."""
        query = urllib.parse.urlencode({"state": "queued", "updated_at_lte": before.isoformat(), "limit": 1})
        found = self._call("GET", f"/api/v2/dags/~/dagRuns/~/taskInstances?{query}", self._token())
        return int(found["total_entries"])

    def _token(self) -> str:
        body = {"username": USER, "password": self.password}
        return str(self._call("POST", "/auth/token", None, body)["access_token"])

    def _call(self, method: str, path: str, token: str | None, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - our own http address
        request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=30) as answer:  # noqa: S310
            content: dict[str, Any] = json.load(answer)
        return content


def wait_until_healthy(client: AirflowClient, *, seconds: float, report: Callable[[list[str]], None]) -> None:
    """Wait for all components; ``report`` gets the list of those still missing."""
    deadline = time.monotonic() + seconds
    while missing := client.missing_components():
        report(missing)
        if time.monotonic() > deadline:
            raise InfrastructureError(
                "local.unhealthy",
                f"After {seconds:.0f} s Airflow still misses {', '.join(missing)}.",
                advice="See the log files of the set-up.",
            )
        time.sleep(0.5)
