"""A real Docker engine for the tests: the one that runs here, or one of their own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from aerodag.containers.endpoint import Endpoint, connect, unavailable
from aerodag.containers.lifecycle import discard
from aerodag.containers.states import labelled
from doubles.odm import recipe

_WAIT_SECONDS = 60


class OwnEngine:
    """A dockerd with folders of its own, which tests may stop, kill and start again.

    It has no network, so that it leaves the host's firewall alone, and a runtime ``nvidia`` that is plain runc. Its
    containerd is a process of its own, as on a host where systemd starts both, and lives until `remove`.
    """

    def __init__(self, folder: Path, *, live_restore: bool = False) -> None:
        self.folder = folder
        self.endpoint = Endpoint(f"unix://{folder}/docker.sock")
        self.live_restore = live_restore
        self._containerd: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the engine and waits for its first answer."""
        if self._containerd is None:
            self._containerd = self._run_containerd()
        (self.folder / "pid").unlink(missing_ok=True)
        configuration = {
            "containerd": f"{self.folder}/containerd.sock",
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/pid",
            "hosts": [self.endpoint.url],
            "iptables": False,
            "ip6tables": False,
            "bridge": "none",
            "live-restore": self.live_restore,
            "shutdown-timeout": 5,
            "runtimes": {"nvidia": {"path": shutil.which("runc")}},
        }
        (self.folder / "daemon.json").write_text(json.dumps(configuration))
        self._process = self._run("dockerd", "--config-file", f"{self.folder}/daemon.json")
        until = time.monotonic() + _WAIT_SECONDS
        while reason := unavailable(self.endpoint):
            if time.monotonic() > until or self._process.poll() is not None:
                last = (self.folder / "log").read_text(errors="replace")[-1500:]
                raise RuntimeError(f"dockerd did not start: {reason}\n{last}")
            time.sleep(0.1)

    def _run_containerd(self) -> subprocess.Popen[bytes]:
        folder = self.folder / "containerd"
        folder.mkdir(exist_ok=True)
        configuration = f'''
            version = 2
            root = "{folder}/root"
            state = "{folder}/state"
            disabled_plugins = ["io.containerd.grpc.v1.cri"]
            [grpc]
            address = "{self.folder}/containerd.sock"
        '''
        (folder / "config.toml").write_text(configuration)
        return self._run("containerd", "--config", f"{folder}/config.toml")

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            # A session of its own: a Ctrl-C on the tests is not for the engine.
            return subprocess.Popen(
                [shutil.which(program) or program, *arguments], stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Ends the engine as systemd does; with live-restore its containers go on."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends the engine as a crash does; its containers go on until it starts again."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=_WAIT_SECONDS)
        self._process = None

    def crash(self) -> None:
        """Ends the engine, its containerd and all containers at once, as a power failure does."""
        self.kill()
        assert self._containerd is not None
        self._containerd.kill()
        self._containerd.wait(timeout=_WAIT_SECONDS)
        self._containerd = None
        self._end_containers()
        # What lies in /run is gone after a restart of the host.
        shutil.rmtree(self.folder / "containerd" / "state", ignore_errors=True)
        self._unmount()
        shutil.rmtree(self.folder / "exec", ignore_errors=True)

    def _end_containers(self) -> None:
        """Kills containers with the shims that hold them, of which neither an engine nor a containerd is left."""
        for shim in psutil.process_iter(["cmdline"]):
            command = shim.info["cmdline"] or [""]
            if "containerd-shim" not in command[0] or f"{self.folder}/containerd.sock" not in command:
                continue
            with suppress(psutil.NoSuchProcess):
                for process in [shim, *shim.children(recursive=True)]:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()

    def _unmount(self) -> None:
        """Mounts that a killed engine could not take away itself."""
        table = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed([place for place in table if place.startswith(f"{self.folder}/")]):
            subprocess.run(["/bin/umount", "--lazy", place], check=False, capture_output=True)

    def restart(self, *, live_restore: bool) -> None:
        """Stops and starts the engine, where it is not in this mode already."""
        if live_restore != self.live_restore:
            self.stop()
            self.live_restore = live_restore
            self.start()

    def remove(self) -> None:
        """Ends the engine for good, and takes away its folder."""
        self.stop()
        if self._containerd is not None:
            self._containerd.terminate()
            self._containerd.wait(timeout=_WAIT_SECONDS)
        self._end_containers()
        self._unmount()
        shutil.rmtree(self.folder)


class Engine:
    """What a test gets: where the engine is, and the engine itself where the tests own it."""

    def __init__(self, endpoint: Endpoint, own: OwnEngine | None) -> None:
        self.endpoint = endpoint
        self.own = own

    def owned(self) -> OwnEngine:
        """The engine, to be stopped and started; skips where it is not the tests' own."""
        if self.own is None:
            pytest.skip("the Docker engine here is not the tests' own, so that it cannot be restarted")
        return self.own


@contextmanager
def running_engine() -> Iterator[Engine]:
    """A Docker engine with the images of ODM's double; skips with a reason where there can be none."""
    _need_busybox()
    endpoint = Endpoint(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if not unavailable(endpoint):
        _prepare(endpoint)
        yield Engine(endpoint, None)
        return
    with own_engine() as own:
        yield Engine(own.endpoint, own)


@contextmanager
def own_engine(*, live_restore: bool = False) -> Iterator[OwnEngine]:
    """An engine that only this test session knows, and nothing of which is left afterwards."""
    _need_busybox()
    if not shutil.which("dockerd") or os.geteuid() != 0:
        pytest.skip("no dockerd that could be started here: apt-get install docker.io, and be root")
    # Sockets have short names; the tests' own temporary folders are too deep for containerd's.
    folder = Path(tempfile.mkdtemp(prefix="dkr", dir="/tmp"))
    engine = OwnEngine(folder, live_restore=live_restore)
    try:
        try:
            engine.start()
        except RuntimeError as error:
            pytest.skip(str(error))
        _prepare(engine.endpoint)
        yield engine
        _remove_containers(engine.endpoint)
    finally:
        engine.remove()


def _need_busybox() -> None:
    if not recipe.BUSYBOX.exists():
        pytest.skip("no /bin/busybox: apt-get install busybox-static")


def _prepare(endpoint: Endpoint) -> None:
    client = connect(endpoint)
    recipe.build(client)
    client.close()


def _remove_containers(endpoint: Endpoint) -> None:
    client = connect(endpoint)
    for container in labelled(client):
        discard(client, container.id, 0)
    client.close()
