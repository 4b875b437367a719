"""What single checks say."""

import shutil
from pathlib import Path

import pytest

from aerodag import doctor
from aerodag.containers.gpu import Gpu
from aerodag.doctor import Status, Visit, docker_host, engine_image, engines, host
from aerodag.photogrammetry.jobs import Ending
from aerodag.settings import NodeOdm, Odm, Settings
from servers.nodeodm import NodeServer

HELP = [f"  --{name}" for name in (Path(__file__).parents[2] / "doubles" / "odm" / "options.txt").read_text().split()]
DETAILS = {
    "HostConfig": {"ReadonlyRootfs": True, "Memory": 8 * 10**9, "NanoCpus": 4 * 10**9},
    "Config": {"User": "1000:1000"},
}


def visit(tmp_path: Path, **settings: object) -> Visit:
    return Visit(Settings(home=tmp_path, **settings))


def test_a_misspelt_setting_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AERODAG_CHECKS__BLURRED_BELOW__1", "90")
    monkeypatch.setenv("aerodag_odm__cpus", "2")
    assert host.settings(visit(tmp_path)).status is Status.OK

    monkeypatch.setenv("AERODAG_ODM__IMGE", "x")
    verdict = host.settings(visit(tmp_path))
    assert verdict.status is Status.WARNING
    assert verdict.advice == "Use AERODAG_ODM__IMAGE instead of AERODAG_ODM__IMGE."


def test_the_data_root(tmp_path: Path):
    (tmp_path / "here").mkdir()
    (tmp_path / "file").touch()

    assert host.data_root(visit(tmp_path, data_root=tmp_path / "here")).status is Status.OK
    assert list((tmp_path / "here").iterdir()) == []
    assert host.data_root(visit(tmp_path)).status is Status.SKIPPED
    for wrong in (tmp_path / "gone", tmp_path / "file", Path("/proc")):
        verdict = host.data_root(visit(tmp_path, data_root=wrong))
        assert verdict.status is Status.FAILED
        assert str(wrong) in verdict.message
        assert "AERODAG_DATA_ROOT" in verdict.advice


@pytest.mark.parametrize(
    ("soft", "hard", "status"), [(1, 1, "ok"), (2**60, 1, "warning"), (2**60, 2**60, "failed"), (1, 2**60, "failed")]
)
def test_free_disk_against_the_limits(tmp_path: Path, soft: int, hard: int, status: str):
    odm = Odm(disk_soft_bytes=soft, disk_hard_bytes=hard)

    verdict = host.disk(visit(tmp_path, data_root=tmp_path / "not" / "yet", odm=odm))

    assert verdict.status == status
    assert verdict.numbers["total_bytes"] == shutil.disk_usage(tmp_path).total


def test_more_threads_than_cores(tmp_path: Path):
    verdict = host.resources(visit(tmp_path, max_concurrency=10_000))

    assert verdict.status is Status.WARNING
    assert verdict.numbers["cores"] < 10_000 == verdict.numbers["max_concurrency"]


def test_without_docker_all_that_needs_it_is_skipped(tmp_path: Path):
    odm = Odm(docker_url=f"unix://{tmp_path}/no.sock")

    report = doctor.examine(doctor.CHECKS, visit(tmp_path, data_root=tmp_path, odm=odm))

    assert report["docker.reachable"].status is Status.FAILED
    assert report["docker.reachable"].numbers["code"] == "engine.unreachable"
    assert "AERODAG_ODM__DOCKER_URL" in report["docker.reachable"].advice
    rest = {name: verdict for name, verdict in report.items() if name.startswith("docker.") and name[7:] != "reachable"}
    assert len(rest) == 6
    for verdict in rest.values():
        assert verdict == doctor.skipped("Not looked at, because docker.reachable failed.")


def test_every_check_stands_behind_what_it_needs():
    seen = {"ledger.connection"}
    for check in doctor.CHECKS:
        assert set(check.needs) <= seen, check.name
        seen.add(check.name)


@pytest.mark.parametrize(("capability", "status"), [(8.6, "ok"), (8.9, "warning"), (12.0, "warning"), (None, "ok")])
def test_gpus_that_the_engine_cannot_use_wholly(capability: float | None, status: str):
    verdict = docker_host.judge_gpu(Gpu(0, "NVIDIA RTX", "550.54", 24 * 10**9, capability))

    assert verdict.status == status
    assert "24\u00a0GB, driver 550.54" in verdict.message


def test_every_known_defect_of_a_version_is_told():
    codes = {finding.code for finding in engine_image.defects("3.6.0", "opendronemap/odm:3.6.0", "odm")}

    assert codes >= {"odm.maker_notes", "odm.cutline", "odm.report", "odm.crop", "odm.image_unpinned"}
    assert engine_image.defects("3.5.6", "opendronemap/odm@sha256:0", "odm") == []


@pytest.mark.parametrize(
    ("ending", "lines", "status", "told"),
    [
        (Ending(0, details=DETAILS), HELP, "ok", "user 1000:1000 with a read-only root, 8.0\u00a0GB, 4 cores"),
        (Ending(0, details=DETAILS), HELP[:-20], "warning", "does not list the options"),
        (Ending(1, details=DETAILS), ["OSError: Read-only file system", ""], "failed", "1: OSError: Read-only"),
        (Ending(137, out_of_memory=True), [], "failed", "ended with 137 out of memory: no output"),
        (Ending(None), ["Loading"], "failed", "did not end within 60 s"),
    ],
)
def test_how_the_engine_started(ending: Ending, lines: list[str], status: str, told: str):
    verdict = engine_image.judge_start(ending, lines, 1.0)

    assert verdict.status == status
    assert told in verdict.message
    assert bool(verdict.advice) is (status != "ok")


def test_a_node_says_what_it_is(tmp_path: Path):
    server = NodeServer(tmp_path / "node").start()
    node = NodeOdm(url=server.url)
    good = engines.node(visit(tmp_path, nodeodm=node))
    other = engines.node(visit(tmp_path, nodeodm=node, odm=Odm(flavour="odx")))
    server.stop()

    gone = doctor.examine([doctor.Check("nodeodm", engines.node)], visit(tmp_path, nodeodm=node))["nodeodm"]
    assert (good.status, other.status, gone.status) == ("ok", "warning", "failed")
    assert other.advice == "Set AERODAG_ODM__FLAVOUR=odm, or use a node with odx."
    assert gone.advice
    assert engines.node(visit(tmp_path)).status is Status.SKIPPED
