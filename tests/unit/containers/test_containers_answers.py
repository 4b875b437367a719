"""What a Docker engine answers, or does not: as data and errors of this project."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from docker.errors import APIError  # noqa: TID253
from hypothesis import given
from hypothesis import strategies as st

from aerodag.containers.endpoint import Endpoint, connect, unavailable
from aerodag.containers.faults import refused_start, translated
from aerodag.containers.gpu import parse_gpus
from aerodag.containers.host import host_facts
from aerodag.containers.lifecycle import inspect
from aerodag.containers.states import for_forensics, parse_time
from aerodag.errors import AerodagError, ConfigError, InfrastructureError, Retry


class _Overloaded(BaseHTTPRequestHandler):
    """Says its version, and then that it cannot."""

    def do_GET(self) -> None:
        version = self.path == "/version"
        if self.path.endswith("/info"):
            self.close_connection = True
            return
        body = {"ApiVersion": "1.41"} if version else {"message": "layer does not exist."}
        self.send_response(200 if version else 500)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def overloaded() -> Iterator[Endpoint]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Overloaded)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Endpoint(f"tcp://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def refusal(status: int, text: str) -> APIError:
    response = requests.Response()
    response.status_code = status
    return APIError("refused", response=response, explanation=text)


def test_no_engine_is_unreachable_with_advice(tmp_path: Path) -> None:
    reason = unavailable(Endpoint(f"unix://{tmp_path}/docker.sock"))

    assert reason
    assert "No such file or directory" in reason
    assert "Start the Docker engine" in reason


def test_a_port_without_engine_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
            connect(Endpoint(f"tcp://127.0.0.1:{closed.getsockname()[1]}"))


def test_certificates_that_are_not_there_are_a_setting_to_correct(tmp_path: Path) -> None:
    missing = tmp_path / "cert.pem"

    with pytest.raises(ConfigError, match=r"engine\.certificates"):
        connect(Endpoint("tcp://127.0.0.1:1", ca_cert=missing, client_cert=missing, client_key=missing))


def test_an_engine_that_cannot_now_says_nothing_about_the_job(overloaded: Endpoint) -> None:
    client = connect(overloaded)

    with pytest.raises(InfrastructureError, match=r"answered 500 .* layer does not exist") as fault:
        inspect(client, "abc")
    assert (fault.value.code, fault.value.retry) == ("engine.unreachable", Retry.SAME)
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        host_facts(client)


@pytest.mark.parametrize(
    ("status", "text", "code", "retry"),
    [
        (500, 'could not select device driver "" with capabilities: [[gpu]]', "engine.gpu_runtime", Retry.WITHOUT_GPU),
        (400, "unknown or invalid runtime name: nvidia", "engine.gpu_runtime", Retry.WITHOUT_GPU),
        (500, "nvidia-container-cli: initialization error: nvml error", "engine.gpu_runtime", Retry.WITHOUT_GPU),
        (400, "invalid mount config: bind source path does not exist: /data", "engine.paths_differ", Retry.SAME),
        (500, "no space left on device", "engine.start_failed", Retry.SAME),
        (400, "range of CPUs is from 0.01 to 2.00", "engine.refused", Retry.NEVER),
        (400, 'exec: "timeout": executable file not found in $PATH', "engine.refused", Retry.NEVER),
    ],
)
def test_a_refused_start_says_who_can_cure_it(status: int, text: str, code: str, retry: Retry) -> None:
    fault = refused_start(refusal(status, text), "aerodag-d1-r1-t1")

    assert (fault.code, fault.retry) == (code, retry)
    assert text in fault.message


def test_a_bug_of_ours_is_not_the_engines() -> None:
    with pytest.raises(ZeroDivisionError), translated("dividing"):
        _ = 1 / 0


def test_errors_of_this_project_pass_unchanged() -> None:
    own = ConfigError("engine.image_missing", "There is none.", advice="Pull it.")
    with pytest.raises(AerodagError) as passed, translated("looking"):
        raise own
    assert passed.value is own


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T11:34:47.54911092Z", datetime(2026, 11, 21, 11, 34, 47, 549110, UTC)),
        ("2026-11-21T13:34:47+02:00", datetime(2026, 11, 21, 11, 34, 47, 0, UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_times_of_docker(text: str | None, moment: datetime | None) -> None:
    assert parse_time(text) == moment


def test_forensics_hold_no_secrets_and_are_bounded() -> None:
    variables = ["PATH=/bin", "GDAL_CACHEMAX=2048", "HTTPS_PROXY=http://anna:pass@proxy", "API_TOKEN=pass"]

    kept = for_forensics({"State": {"ExitCode": 1}, "Config": {"Env": variables, "Cmd": ["x" * 10_000] * 1000}})

    assert kept["Config"]["Env"] == ["PATH=/bin", "GDAL_CACHEMAX=2048", "HTTPS_PROXY=(hidden)", "API_TOKEN=(hidden)"]
    assert kept["State"] == {"ExitCode": 1}
    assert len(json.dumps(kept)) < 500_000


def test_gpus_as_nvidia_smi_lists_them() -> None:
    first, second, third = parse_gpus(
        "0, NVIDIA A10, 550.54.14, 23028, 8.6\n"
        "Failed to initialize something\n\n"
        "1, Tesla K80, 470.1, [N/A], [Not Supported]\n"
        "2, Quadro, 390.1, 2048 MiB\n"
    )

    assert (first.name, first.driver, first.memory_bytes) == ("NVIDIA A10", "550.54.14", 23028 * 1024**2)
    assert first.compute_capability == 8.6
    assert (second.index, second.memory_bytes, second.compute_capability) == (1, None, None)
    assert (third.memory_bytes, third.compute_capability) == (2048 * 1024**2, None)


@pytest.mark.fuzz
@given(
    st.text()
    | st.lists(st.lists(st.text(max_size=6) | st.sampled_from(["0", "1e999", "nan"])).map(",".join)).map("\n".join)
)
def test_any_output_of_the_probe_can_be_read(text: str) -> None:
    for gpu in parse_gpus(text):
        assert gpu.index >= 0
