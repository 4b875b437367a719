"""What docker-compose.yaml and its scripts promise, as far as that can be seen without a Docker engine."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from systems.compose_stack import ROOT, compose_v2, copy_project

ONCE = {"migrate", "files"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after `make env`."""
    folder = tmp_path_factory.mktemp("project")
    copy_project(folder)
    _env(folder, PROFILES="celery,monitoring", SITE="maps.example.org", ACME="ops@example.org")
    return folder


def _env(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "HOME": str(folder), "DATA_ROOT": str(folder / "data")}
    return subprocess.run(
        [folder / "deploy" / "env.sh"], env=given | environment, capture_output=True, text=True, check=True
    )


def _values(folder: Path) -> dict[str, str]:
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"])


def test_every_service_has_a_health_check_bounds_and_rotated_logs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert name in ONCE or service["healthcheck"]["test"], name
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert service["logging"]["options"]["max-size"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_gate_has_dockers_socket_and_only_it_and_workers_its_network(
    services: dict[str, dict[str, Any]],
) -> None:
    with_socket = {name for name, service in services.items() if "docker.sock" in str(service.get("volumes"))}
    near = {name for name, service in services.items() if "docker" in service.get("networks", ())}

    assert with_socket == {"docker-gate"}
    assert near == {"docker-gate", "scheduler", "triggerer", "worker-default", "worker-heavy", "worker-odm"}


def test_images_are_pinned(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert tag not in {"", "latest"}, name


def test_secrets_are_random_safe_and_made_once(project: Path) -> None:
    before = _values(project)
    secrets = {name: value for name, value in before.items() if name.endswith(("_PASSWORD", "_SECRET", "_KEY"))}

    assert all(len(value) >= 32 for value in secrets.values()), secrets.keys()
    assert len(set(secrets.values())) == len(secrets)
    for path in (project / ".env", project / "aerodag.env", project / "secrets" / "sftp_client_key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    _env(project)
    assert _values(project) == before


def test_what_a_newer_version_needs_is_added(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "older"
    shutil.copytree(project, folder)
    text = (folder / ".env").read_text()
    (folder / ".env").write_text("".join(line for line in text.splitlines(True) if not line.startswith("GRAFANA")))

    _env(folder)

    assert _values(folder).keys() == _values(project).keys()
    assert _values(folder)["JWT_SECRET"] == _values(project)["JWT_SECRET"]


def test_the_wishes_of_make_env_are_met(project: Path) -> None:
    values = _values(project)

    assert (values["AERODAG_EXECUTOR"], values["AERODAG_PARALLELISM"]) == ("CeleryExecutor", "32")
    assert values["AERODAG_STATSD"] == "True"
    assert (values["AERODAG_URL"], values["AERODAG_TLS"]) == ("https://maps.example.org", "ops@example.org")
    assert values["COMPOSE_PROFILES"] == "celery,monitoring"


def test_wishes_of_later_are_met_too(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(project, folder)

    _env(folder, PROFILES="s3")

    changed = {name: value for name, value in _values(folder).items() if value != _values(project)[name]}
    assert changed == {
        "COMPOSE_PROFILES": "s3",
        "AERODAG_EXECUTOR": "LocalExecutor",
        "AERODAG_PARALLELISM": "8",
        "AERODAG_STATSD": "False",
    }


def test_a_later_wish_leaves_what_an_operator_chose(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "chosen"
    shutil.copytree(project, folder)
    image = "opendronemap/odm@sha256:" + 64 * "0"
    chosen = {"AERODAG_PARALLELISM": "12", "ODM_GPU_IMAGE": image, "AERODAG_HTTPS_PORT": "8443"}
    lines = [line for line in (folder / ".env").read_text().splitlines() if line.partition("=")[0] not in chosen]
    (folder / ".env").write_text("\n".join([*lines, *(f"{name}={value}" for name, value in chosen.items())]) + "\n")

    _env(folder, PROFILES="gpu", SITE="other.example.org")

    values = _values(folder)
    assert {name: values[name] for name in chosen} == chosen
    assert (values["COMPOSE_PROFILES"], values["AERODAG_URL"]) == ("gpu", "https://other.example.org:8443")


def test_the_engine_with_a_gpu_comes_and_goes_with_the_profile(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gpu"
    shutil.copytree(project, folder)
    images = []
    for profiles in ("gpu", "celery,gpu", "s3"):
        _env(folder, PROFILES=profiles)
        images.append(_values(folder)["ODM_GPU_IMAGE"])
    assert images == ["opendronemap/odm:gpu", "opendronemap/odm:gpu", ""]


def _config(compose: Path | str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AERODAG_")}
    return subprocess.run(
        [compose, "config", "--quiet"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module", params=["2", "1"])
def compose(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path | str:
    if request.param == "2":
        return compose_v2(tmp_path_factory.mktemp("compose"))
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("no docker-compose here")
    return program


def test_the_file_is_valid(compose: Path | str, project: Path) -> None:
    done = _config(compose, project)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "LEDGER_PASSWORD", "JWT_SECRET", "AERODAG_ADMIN_PASSWORD"])
def test_nothing_starts_without_its_secrets(compose: Path | str, project: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(project, folder)
    text = (folder / ".env").read_text().splitlines(True)
    (folder / ".env").write_text("".join(f"{name}=\n" if line.startswith(f"{name}=") else line for line in text))

    done = _config(compose, folder)

    assert done.returncode != 0
    assert "make env" in done.stderr


def test_every_disk_of_files_is_watched(services: dict[str, dict[str, Any]]) -> None:
    exporter = services["exporter"]
    watched = set(json.loads(exporter["environment"]["AERODAG_DISK__PLACES"]).values())
    mounted = {volume.split(":")[1] for volume in exporter["volumes"] if volume.startswith(("storage:", "incoming:"))}
    assert watched == mounted
    assert len(watched) == 2
    assert all(volume.endswith(":ro") for volume in exporter["volumes"])


def test_who_probes_reaches_what_it_probes(services: dict[str, dict[str, Any]]) -> None:
    jobs = yaml.safe_load((ROOT / "deploy" / "monitoring" / "prometheus" / "prometheus.yml").read_text())
    (probes,) = [job["static_configs"] for job in jobs["scrape_configs"] if job["job_name"] == "services"]
    hosts = {target.removeprefix("http://").partition(":")[0] for one in probes for target in one["targets"]}
    assert hosts == {"api-server", "proxy", "uploads", "sftp"}
    for host in hosts:
        assert set(services["probe"]["networks"]) & set(services[host]["networks"]), host


def test_what_watches_reaches_other_hosts_and_is_not_reached_from_there(services: dict[str, dict[str, Any]]) -> None:
    networks = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["networks"]
    for name in ("prometheus", "alertmanager"):
        assert [one for one in services[name]["networks"] if not (networks[one] or {}).get("internal")], name
        assert "ports" not in services[name], name


def test_the_example_holds_no_secret() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert all(not value for name, value in given.items() if name.endswith(("_PASSWORD", "_SECRET", "_KEY")))
