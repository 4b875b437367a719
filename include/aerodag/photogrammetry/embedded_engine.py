"""The embedded engine as the pipeline sees it: starts the child, listens, cleans up. Imports nothing heavy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import IO, Any

import structlog

from aerodag.errors import (
    ERROR_TYPES,
    AerodagError,
    Category,
    ConfigError,
    EngineError,
    InfrastructureError,
    ResourceError,
)
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.engine import Plan, Progress, Reconstruction

log = structlog.get_logger(__name__)

CHILD = "aerodag.photogrammetry.embedded"
NEEDED = ("pycolmap", "cv2", "rasterio", "pyproj", "scipy", "shapely", "PIL")
GRACE_SECONDS = 5.0
STDERR_LINES = 200
USAGE_ERROR = 2  # argparse


@dataclass(frozen=True, slots=True)
class Preset:
    """Feature image size in pixels and the finest orthophoto pixel in centimetres (0: native GSD)."""

    feature_size: int
    finest_cm: float


_FAST = Preset(1200, 5.0)
# Presets that only another engine can tell apart are standard here.
PRESETS = {"fast": _FAST, "draft": _FAST, "standard": Preset(1600, 0.0)}


@dataclass(slots=True)
class _Listener:
    """What the child has said so far."""

    sink: Callable[[Progress], None]
    stage: str = ""
    percent: float = 0.0
    last: dict[str, Any] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        """Take one JSON line; other text (a library that wrote around us) is passed on as a message."""
        try:
            event = json.loads(line)
            kind = event["event"]
        except (ValueError, TypeError, KeyError):
            event, kind = {"message": line.strip()}, "log"
        if kind == "stage":
            self.stage, self.percent = str(event["stage"]), float(event["percent"])
            self.sink(Progress(self.stage, self.percent))
        elif kind == "log":
            self.sink(Progress(self.stage, self.percent, _sentence(event)))
        else:
            self.last = event


def _sentence(event: dict[str, Any]) -> str:
    values = [f"{key}={value}" for key, value in event.items() if key not in {"event", "message"}]
    return " ".join([str(event.get("message", "")), *values])


class EmbeddedEngine:
    """Structure from motion and orthorectification in a child process of this host."""

    name = "embedded"
    takes_ground_control = False

    def unavailable(self) -> list[str]:
        """Reasons why the engine cannot run here; looks for the packages without loading them."""
        missing = [package for package in NEEDED if find_spec(package) is None]
        return [f"The Python package {package} is not installed." for package in missing]

    def run(self, project: Path, plan: Plan, sink: Callable[[Progress], None]) -> Reconstruction:
        """Process ``project``; see `Engine.run`.

        Whatever ends this call early, a time limit or a cancelled task included, ends the child's processes too.

        Raises:
            AerodagError: as the child classified it; `ResourceError` if it was killed.
        """
        listener = _Listener(sink)
        with _child(_command(project, plan), plan.max_concurrency) as process:
            tail: deque[str] = deque(maxlen=STDERR_LINES)
            drain = Thread(target=_drain, args=(process.stderr, tail), daemon=True)
            drain.start()
            for line in process.stdout or ():
                listener.hear(line)
            returncode = process.wait()
            drain.join(GRACE_SECONDS)
        if returncode != 0 or listener.last.get("event") != "done":
            raise _failure(returncode, listener, list(tail))
        return read_result(project)


def _command(project: Path, plan: Plan) -> list[str]:
    preset = PRESETS.get(plan.preset, PRESETS["standard"])
    options: dict[str, Any] = {"feature-size": preset.feature_size, **plan.options}
    resolution = max(plan.orthophoto_resolution_cm or 0.0, preset.finest_cm)
    if resolution:
        options["orthophoto-resolution"] = resolution
    options["max-concurrency"] = plan.max_concurrency
    options["parent-pid"] = os.getpid()
    tail = [text for key, value in options.items() for text in (f"--{key}", str(value))]
    return [sys.executable, "-m", CHILD, "--project-path", str(project.parent), project.name, *tail]


@contextmanager
def _child(command: list[str], threads: int) -> Iterator[subprocess.Popen[str]]:
    """The child in a session of its own, gone when the block is left, however that happens."""
    log.info("starting the embedded engine", command=" ".join(command))
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _end(process: subprocess.Popen[str]) -> None:
    """End the child's whole group: politely, then by SIGKILL, which alone ends a stuck native library."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    # Also when the child itself is gone: its structure-from-motion process may be left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _drain(stream: IO[str] | None, tail: deque[str]) -> None:
    for line in stream or ():
        tail.append(line.rstrip())


def _failure(returncode: int, listener: _Listener, tail: list[str]) -> AerodagError:
    event = listener.last
    if event.get("event") == "error":
        kind = ERROR_TYPES[Category(event["category"])]
        return kind(event["code"], event["message"], advice=event["advice"], numbers=event["numbers"])
    numbers = {"exit_code": returncode, "stage": listener.stage, "stderr": tail[-20:]}
    where = f"in stage {listener.stage}" if listener.stage else "at the start"
    if returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}:
        return ResourceError(
            "engine.memory",
            f"The embedded engine was killed {where}, most likely for lack of memory.",
            advice="Use the fast preset, fewer threads or a machine with more memory.",
            numbers=numbers,
        )
    if returncode < 0 and -returncode in {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
        return InfrastructureError(
            "engine.terminated",
            f"The embedded engine was terminated from outside {where}.",
            advice="The host was probably shut down; retry the step.",
            numbers=numbers,
        )
    if returncode == USAGE_ERROR:
        return ConfigError(
            "engine.options",
            f"The embedded engine refuses its options: {tail[-1] if tail else ''}",
            advice="Correct the engine options; --help of the engine lists them.",
            numbers=numbers,
        )
    return EngineError(
        "engine.crashed",
        f"The embedded engine ended with exit code {returncode} {where}. {tail[-1] if tail else ''}".strip(),
        advice="Report this with the log; the odm engine may pass.",
        numbers=numbers,
    )


def read_result(project: Path) -> Reconstruction:
    """What a finished run left in ``project``.

    Raises:
        EngineError: ``engine.result_missing``.
    """
    stats = project / "odm_report" / "stats.json"
    orthophoto = project / "odm_orthophoto" / "odm_orthophoto.tif"
    if not (stats.is_file() and orthophoto.is_file()):
        raise EngineError(
            "engine.result_missing",
            f"The engine ended well but {orthophoto.name} or {stats.name} is missing in {project}.",
            advice="Retry the step; look for something that cleans the work folder.",
        )
    own = json.loads(stats.read_text())["aerodag"]
    dsm = project / "odm_dem" / "dsm.tif"
    return Reconstruction(
        orthophoto=orthophoto,
        dsm=dsm if dsm.is_file() else None,
        stats=stats,
        shots=project / "odm_report" / "shots.geojson",
        cameras=project / "cameras.json",
        registered=tuple(own["images"]["registered"]),
        unregistered=tuple(own["images"]["unregistered"]),
        gsd_cm=own["gsd_cm"],
        epsg=own["epsg"],
        engine=EmbeddedEngine.name,
        version=engine_version(),
        peak_rss_bytes=own["peak_rss_bytes"],
        findings=tuple(_finding(item) for item in own["findings"]),
    )


def _finding(item: dict[str, Any]) -> Finding:
    return Finding(**{**item, "severity": Severity(item["severity"])})


def engine_version() -> str:
    """Versions of this package and of the structure-from-motion library, for the artifact's details."""
    parts = []
    for package in ("aerodag", "pycolmap"):
        with suppress(PackageNotFoundError):
            parts.append(f"{package} {version(package)}")
    return ", ".join(parts)
