"""How checks are done, and how they are told."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from aerodag import doctor
from aerodag.doctor import Check, Status, Verdict, Visit, failed, ok, skipped, warning
from aerodag.doctor.terminal import renderable
from aerodag.doctor.verdict import together
from aerodag.errors import ConfigError
from aerodag.local.examination import differing
from aerodag.settings import Settings


def examine(*checks: Check) -> doctor.Report:
    return doctor.examine(checks, Visit(Settings()))


def test_what_stands_on_a_failure_is_skipped_with_its_beginning():
    def never(_: Visit) -> Verdict:
        raise AssertionError("looked at without what it needs")

    report = examine(
        Check("a", lambda _: failed("It is broken.", "Mend it.")),
        Check("b", never, ("a",)),
        Check("c", never, ("b",)),
        Check("d", lambda _: warning("It creaks.", "Oil it.")),
        Check("e", lambda _: ok("It goes."), ("d", "elsewhere")),
    )

    assert [verdict.status for verdict in report.values()] == ["failed", "skipped", "skipped", "warning", "ok"]
    assert report["c"].message == "Not looked at, because a failed."
    assert not doctor.passed(report)
    assert doctor.passed({name: report[name] for name in "bcde"})


def test_a_check_that_hangs_is_given_up():
    started = time.monotonic()
    report = examine(
        Check("mount", lambda _: time.sleep(5) or ok("late"), seconds=0.1), Check("next", lambda _: ok(""))
    )

    assert time.monotonic() - started < 2
    assert (report["mount"].status, report["next"].status) == (Status.FAILED, Status.OK)
    assert report["mount"].advice


def test_errors_are_verdicts():
    def classified(_: Visit) -> Verdict:
        raise ConfigError("engine.user", "'joe' is no UID:GID.", advice="Use numbers.", numbers={"user": "joe"})

    report = examine(Check("known", classified), Check("unknown", lambda _: ok(str(1 / 0))))

    assert report["known"] == failed("'joe' is no UID:GID.", "Use numbers.", code="engine.user", user="joe")
    assert (report["unknown"].status, report["unknown"].message) == ("failed", "ZeroDivisionError: division by zero")


def test_several_verdicts_become_the_worst():
    both = together([ok("One.", a=1), warning("Two.", "Cure."), warning("Three.", "Cure.", b=2), skipped("Four.")])

    assert both == Verdict(Status.WARNING, "One. Two. Three. Four.", "Cure.", {"a": 1, "b": 2})


def test_a_report_survives_json():
    report = {"a": ok("Ä.", n=1.5, names=["x"]), "b": failed("No [red]markup[/].", "Do.")}

    assert doctor.from_json(doctor.as_json(report)) == report
    for broken in ("", "[1]", '{"a": 1}', '[{"check": "a"}]'):
        with pytest.raises((ValueError, KeyError, TypeError)):
            doctor.from_json(broken)


def test_a_report_for_the_terminal():
    report = {"docker.image": failed("No [red]image[/] \x1b[31m.", "docker pull x"), "data.disk": ok("80 GB are free.")}
    output = io.StringIO()
    Console(file=output, width=200, highlight=False).print(renderable(report))

    assert "No [red]image[/] \ufffd[31m." in output.getvalue()
    assert "→ docker pull x" in output.getvalue()
    assert "1 ok, 1 failed" in output.getvalue()
    assert "\x1b" not in output.getvalue()


def test_environments_are_compared_by_their_settings():
    one = {"AERODAG_ODM__IMAGE": "a", "AERODAG_HOME": "/x", "DOCKER_HOST": "unix:///y", "TERM": "dumb"}

    assert differing(one, one | {"TERM": "xterm"}) == []
    assert differing(one, {"AERODAG_ODM__IMAGE": "b", "AERODAG_HOME": "/x"}) == ["AERODAG_ODM__IMAGE", "DOCKER_HOST"]


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_the_command_without_docker_and_without_a_set_up(arguments: list[str], tmp_path: Path):
    done = command(tmp_path, *arguments)

    assert done.returncode == 1, done.stderr
    if not arguments:
        assert "docker.reachable" in done.stdout
        assert "1 failed" in done.stdout
        return
    verdicts = {row["check"]: row["status"] for row in json.loads(done.stdout)}
    assert verdicts.pop("docker.reachable") == "failed"
    assert {name for name, status in verdicts.items() if status == "ok"} >= {"settings", "data.root", "embedded"}
    assert {status for name, status in verdicts.items() if name.startswith(("docker.", "ledger."))} == {"skipped"}
    assert verdicts["airflow"] == "skipped"


def test_settings_that_cannot_be_read_are_a_verdict(tmp_path: Path):
    done = command(tmp_path, "--json", AERODAG_ODM__CPUS="many", AERODAG_NODEODM__PARALLEL_UPLOADS="s3cret")

    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["check"], row["status"]) == (1, "settings", "failed")
    assert "AERODAG_ODM__CPUS" in row["advice"]
    assert "s3cret" not in done.stdout + done.stderr


def command(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    (home / "data").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AERODAG_")}
    environment = clean | {
        "AERODAG_HOME": str(home),
        "AERODAG_ODM__DOCKER_URL": f"unix://{home}/no.sock",
        "AERODAG_ODM__DISK_HARD_BYTES": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "aerodag.cli", "doctor", *arguments],
        env=environment | settings,
        capture_output=True,
        text=True,
        check=False,
    )
