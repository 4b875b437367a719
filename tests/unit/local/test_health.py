"""When a service counts as stuck: judged from the answers of a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from aerodag.local.client import AirflowClient
from aerodag.local.health import QUEUED_SECONDS, SILENT_SECONDS, Health

STARTED = dict.fromkeys(("api-server", "scheduler", "dag-processor", "triggerer"), 0.0)


class Api(HTTPServer):
    """The two answers that health needs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.silent: set[str] = set()
        self.queued = 0
        self.asked: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/api/v2/monitor/health":
            names = ("metadatabase", "scheduler", "dag_processor", "triggerer")
            self._say({name: {"status": "unhealthy" if name in self.server.silent else "healthy"} for name in names})
        else:
            self._say({"total_entries": self.server.queued})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._say({"access_token": "token"})

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def _say(self, content: dict[str, object]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def health(api: Api) -> Health:
    return Health(AirflowClient(f"http://127.0.0.1:{api.server_port}", "secret"))


def test_a_service_is_stuck_when_it_was_silent_all_the_time_since_its_start(api, health):
    api.silent = {"scheduler"}
    health.look(1000.0)
    assert health.stuck(STARTED, 1000.0 + SILENT_SECONDS - 1) == {}
    health.look(1000.0 + SILENT_SECONDS)
    assert list(health.stuck(STARTED, 1001.0 + SILENT_SECONDS)) == ["scheduler"]
    assert health.stuck(STARTED | {"scheduler": 1100.0}, 1001.0 + SILENT_SECONDS) == {}


def test_one_sign_of_life_is_enough(api, health):
    api.silent = {"triggerer", "dag_processor"}
    health.look(0.0)
    api.silent = {"dag_processor"}
    health.look(SILENT_SECONDS)
    assert list(health.stuck(STARTED, SILENT_SECONDS + 1)) == ["dag-processor"]


def test_without_the_database_nothing_is_known_about_the_services(api, health):
    api.silent = {"metadatabase", "scheduler"}
    health.look(0.0)
    health.look(SILENT_SECONDS)
    assert health.stuck(STARTED, SILENT_SECONDS + 1) == {}


def test_an_api_server_that_does_not_answer_is_stuck_itself(api, health):
    api.shutdown()
    api.server_close()
    health.look(0.0)
    health.look(SILENT_SECONDS)
    assert list(health.stuck(STARTED, SILENT_SECONDS + 1)) == ["api-server"]


def test_tasks_that_no_worker_takes_end_the_scheduler_once(api, health):
    api.queued = 2
    health.look(1000.0)
    assert "state=queued&updated_at_lte=20" in api.asked[-1]
    assert health.stuck(STARTED | {"scheduler": 1000.0}, 1000.0 + QUEUED_SECONDS - 1) == {}
    assert list(health.stuck(STARTED, 1000.0)) == ["scheduler"]
    assert health.stuck(STARTED, 1001.0) == {}
