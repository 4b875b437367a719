"""What restore.sh does with the settings of a backup before it touches anything; Docker and Compose only note calls."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
VERSION = "0.0.9-abc1234"
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLS"
case "$*" in
"image inspect aerodag:"*) [ "$3" = "aerodag:$IMAGE" ] ;;
"config --services") printf "postgres\\nscheduler\\n" ;;
esac
"""


class Host:
    """A copy of the project on a host whose Docker has the one ``image``."""

    def __init__(self, folder: Path, image: str = "") -> None:
        self.folder, self.calls_file, self.image = folder / "project", folder / "calls", image
        shutil.copytree(ROOT / "deploy", self.folder / "deploy")
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        self.socket = folder.parent / "docker.sock"
        self.socket.touch()
        (folder / "bin").mkdir()
        for name in ("docker", "compose"):
            (folder / "bin" / name).write_text(STUB)
            (folder / "bin" / name).chmod(0o755)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        programs = self.calls_file.with_name("bin")
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}", "COMPOSE": "compose", "CALLS": str(self.calls_file),
            "IMAGE": self.image, "DATA_ROOT": str(self.folder / "data"), "DOCKER_SOCKET": str(self.socket),
            "CONFIRM": "yes", "FILES": "no",
        }  # fmt: skip
        return subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)

    def restore(self, backup: Path) -> subprocess.CompletedProcess[str]:
        return self.run("deploy/restore.sh", str(backup))

    def edit(self, **values: str) -> None:
        (self.folder / ".env").write_text("".join(f"{k}={v}\n" for k, v in (self.values | values).items()))

    @property
    def values(self) -> dict[str, str]:
        lines = (self.folder / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


@pytest.fixture
def old(tmp_path: Path) -> Host:
    """The host that the backup is of."""
    host = Host(tmp_path / "old")
    assert host.run("deploy/env.sh").returncode == 0
    host.edit(DOCKER_GID="4242", AERODAG_VERSION=VERSION)
    return host


@pytest.fixture
def backup(old: Host, tmp_path: Path) -> Path:
    done = old.run("deploy/backup.sh", str(tmp_path / "backups"))
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "backups").iterdir()
    return made


def test_a_new_host_takes_all_settings_but_the_group_of_docker(old: Host, backup: Path, tmp_path: Path) -> None:
    new = Host(tmp_path / "new", image=VERSION)

    done = new.restore(backup)

    assert done.returncode == 0, done.stderr
    assert new.values == old.values | {"DOCKER_GID": str(new.socket.stat().st_gid)}
    assert "compose build" not in new.calls
    assert new.calls[-1] == "compose up --detach --wait"
    assert (Path(old.values["AERODAG_DATA_ROOT"])).is_dir()


def test_another_tree_does_not_make_the_image_of_the_backup(backup: Path, tmp_path: Path) -> None:
    new = Host(tmp_path / "new", image="0.1.0")

    done = new.restore(backup)

    assert done.returncode == 1
    assert "git checkout abc1234," in done.stderr
    assert not (new.folder / ".env").exists()
    assert new.calls == [f"docker image inspect aerodag:{VERSION}"]


def test_the_tree_of_the_backup_makes_its_image(backup: Path, tmp_path: Path) -> None:
    new = Host(tmp_path / "new")
    (new.folder / "deploy" / "version.sh").write_text(f"#!/bin/sh\necho {VERSION}\n")

    done = new.restore(backup)

    assert done.returncode == 0, done.stderr
    assert "compose build" in new.calls


def test_connections_that_the_key_here_cannot_read_are_not_brought_back(backup: Path, tmp_path: Path) -> None:
    new = Host(tmp_path / "new", image=VERSION)
    assert new.run("deploy/env.sh").returncode == 0
    before = new.values

    done = new.restore(backup)

    assert done.returncode == 1
    assert "FERNET_KEY" in done.stderr
    assert (new.values, new.calls) == (before, [])


def test_a_key_that_was_changed_since_keeps_the_old_one_beside_it(old: Host, backup: Path) -> None:
    old.image = "0.1.0"
    old.edit(AERODAG_VERSION="0.1.0", FERNET_KEY=f"newer,{old.values['FERNET_KEY']}")

    done = old.restore(backup)

    assert done.returncode == 0, done.stderr
    assert old.values["FERNET_KEY"].startswith("newer,")
    assert old.values["DOCKER_GID"] == "4242"
