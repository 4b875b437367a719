"""ODM in a container on a Docker engine."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aerodag.containers import lifecycle, ownership, states
from aerodag.containers.endpoint import Endpoint, connect, disconnect
from aerodag.containers.faults import lost_connection
from aerodag.containers.images import ensure_image
from aerodag.containers.logs import LogReader, log_window
from aerodag.containers.spec import PROJECT, Bind, ContainerSpec, GpuAccess, labels_of
from aerodag.errors import ConfigError, EngineError, InfrastructureError
from aerodag.photogrammetry.jobs import Ending, JobState, LogLine, Look, Order
from aerodag.settings import Odm

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

ENGINE = "engine"

# For files that programs put into /tmp whatever they are told; it counts as the engine's memory. What heeds TMPDIR
# goes to the run's own folder, where gigabytes do no harm.
_SMALL_TMP_BYTES = 1024**3
# Docker's code for an end that it did not see; its time is then that of the engine's next start.
_UNSEEN_CODE = 255
_UNSEEN = "The Docker engine did not see it end: the Docker host or its containerd went down."
_MODELS = "/code/storage/models"
_SCRATCH = "scratch"
# Measuring takes older Docker engines a second, in which a look waits: it gets a small share of the time.
_MEASURE_SHARE = 0.05
_MEASURE_SECONDS = (5.0, 60.0)
_NEED_MODELS = frozenset({"--sky-removal", "--bg-removal", "--pc-classify", "--dtm"})


class DockerJobs:
    """The `Jobs` of one Docker engine; a job's id is its container's.

    Not for several threads at once. ``installation`` parts those who share a Docker engine but not a ledger: nobody
    finds or takes over a container of another one. ``client`` makes a connection where a caller has its own way to.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        odm: Odm,
        *,
        installation: str = "",
        client: Callable[[], APIClient] | None = None,
    ) -> None:
        self._new_client = client or (lambda: connect(endpoint))
        self._odm = odm
        self._installation = installation
        self._client: APIClient | None = None
        self._readers: dict[str, LogReader] = {}
        self._peaks: dict[str, int] = {}
        self._measure_at: dict[str, float] = {}

    def find(self, run_id: int) -> str | None:
        """The newest job of this run that was started and still exists, running or ended."""
        started = [found for found in self._of_run(run_id) if found.started_at]
        return started[-1].id if started else None

    def submit(self, order: Order) -> str:
        """Start the job, or find it started already; leaves no container behind when it fails.

        Raises:
            InfrastructureError: ``engine.gpu_runtime`` (again without GPU), ``engine.paths_differ``,
                ``engine.start_failed``, ``engine.unreachable``.
            ConfigError: ``engine.image_missing``, ``engine.image_unsuitable``, ``engine.refused``,
                ``engine.name_taken``.
        """
        spec = self._spec(order)
        self._forget_unstarted(order, spec.name)
        if not self._call(lambda client: lifecycle.inspect(client, spec.name)):
            _scratch(order.project).mkdir(exist_ok=True)
            ownership.hand_over(order.project.parent, spec.user)
        return self._call(lambda client: lifecycle.start(client, spec))

    def look(self, job: str) -> Look:
        """Whether it runs, and the most memory that this object has seen it use."""
        facts = self._call(lambda client: lifecycle.inspect(client, job))
        if facts is None:
            return Look(JobState.GONE, self._peaks.get(job))
        if not states.is_running(facts):
            return Look(JobState.ENDED, self._peaks.get(job))
        self._measure(job)
        return Look(JobState.RUNNING, self._peaks.get(job))

    def lines(self, job: str, after: int = 0) -> Iterator[LogLine]:
        """The lines that exist now beyond the first ``after``; nothing for a job that is gone.

        Cheap where ``after`` is what was given out last; otherwise the log is read again from its beginning.
        """
        reader = self._readers.get(job)
        if reader is None or reader.count > after:
            reader = self._readers[job] = LogReader()
        # The connection may be one that a restart of the engine broke; the reading itself cannot be repeated.
        self._call(lambda client: lifecycle.inspect(client, job))
        window = log_window(self._connected(), job)
        for line in reader.read(window, ended=lambda: self.look(job).state is not JobState.RUNNING):
            if line.number > after:
                yield LogLine(line.number, line.text, line.at)

    def stop(self, job: str) -> None:
        """End it: politely, then by force; returns when it has ended."""
        self._call(lambda client: lifecycle.stop(client, job, self._odm.stop_seconds))

    def ending(self, job: str) -> Ending:
        """How it ended; no exit code for one that runs or never ran. Raises `EngineError` ``engine.job_gone``."""
        facts = self._call(lambda client: lifecycle.inspect(client, job))
        if facts is None:
            raise EngineError(
                "engine.job_gone",
                f"Container {job[:12]} is gone, and with it the reason why it ended.",
                advice="Start the run again; look who removed the container (docker events, a prune job).",
            )
        return _ending(facts)

    def fetch(self, job: str, project: Path) -> None:
        """Make what it wrote the worker's own; the files lie in the project directory already."""
        ownership.take_back(project.parent)

    def discard(self, job: str) -> None:
        """Remove it, running or not, with its scratch files, and make sure that it is gone."""
        facts = self._call(lambda client: lifecycle.inspect(client, job))
        self._call(lambda client: lifecycle.discard(client, job, self._odm.stop_seconds))
        self._readers.pop(job, None)
        self._peaks.pop(job, None)
        self._measure_at.pop(job, None)
        if facts and (project := (facts["Config"].get("Labels") or {}).get(PROJECT)):
            shutil.rmtree(_scratch(Path(project)), ignore_errors=True)

    def close(self) -> None:
        """Give the connection up; the next call makes another."""
        if self._client is not None:
            disconnect(self._client)
            self._client = None

    def _of_run(self, run_id: int) -> list[states.Labelled]:
        found = self._call(lambda client: states.labelled(client, run=str(run_id), role=ENGINE))
        return [container for container in found if container.installation == self._installation]

    def _measure(self, job: str) -> None:
        began = time.monotonic()
        if began < self._measure_at.get(job, 0.0):
            return
        used = self._call(lambda client: states.memory_bytes(client, job))
        now, (shortest, longest) = time.monotonic(), _MEASURE_SECONDS
        self._measure_at[job] = now + min(max((now - began) / _MEASURE_SHARE, shortest), longest)
        if used is not None:
            self._peaks[job] = max(used, self._peaks.get(job, 0))

    def _forget_unstarted(self, order: Order, name: str) -> None:
        """Removes what an earlier try created and did not come to start."""
        for found in self._of_run(order.ticket.run_id):
            if found.state == "created" and found.name != name:
                self._call(partial(lifecycle.discard, container=found.id, grace_seconds=0))

    def _connected(self) -> APIClient:
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def _call(self, action: Callable[[APIClient], T]) -> T:
        """``action``, once more with a new connection where the kept one broke: the engine may have restarted."""
        kept = self._client is not None
        try:
            return action(self._connected())
        except InfrastructureError as error:
            if not (kept and lost_connection(error)):
                raise
        self.close()
        return action(self._connected())

    def _spec(self, order: Order) -> ContainerSpec:
        image = order.image or self._odm.image
        facts = self._call(lambda client: ensure_image(client, image, self._odm.pull))
        if not facts.entrypoint:
            raise ConfigError(
                "engine.image_unsuitable",
                f"The image {image} has no entry point, so it is not one of ODM.",
                advice="Set AERODAG_ODM__IMAGE to an image of opendronemap/odm or webodm/odx.",
            )
        deadline = datetime.now(UTC) + timedelta(seconds=order.seconds) if order.seconds > 0 else None
        ticket, place = order.ticket, order.project.parent
        return ContainerSpec(
            name=ticket.name + _suffix(self._installation),
            image=facts.id,
            entrypoint=facts.entrypoint,
            arguments=["--project-path", str(place), order.project.name, *order.arguments],
            labels=labels_of(
                role=ENGINE,
                dataset_id=ticket.dataset_id,
                run_id=ticket.run_id,
                attempt=ticket.attempt,
                deadline=deadline,
                project=order.project,
                installation=self._installation,
            ),
            environment={**self._environment(order.project), **order.environment},
            user=ownership.container_user(self._odm.user),
            binds=[Bind(place), *([Bind(self._odm.models, _MODELS, read_only=True)] if self._odm.models else ())],
            tmpfs={"/tmp": _SMALL_TMP_BYTES} | ({} if self._odm.models else {_MODELS: _SMALL_TMP_BYTES}),  # noqa: S108
            read_only_root=self._read_only_root(),
            memory_bytes=order.memory_bytes,
            cpus=order.cpus,
            pids=self._odm.pids,
            seconds=order.seconds,
            network=self._network(order),
            stop_seconds=self._odm.stop_seconds,
            gpus=GpuAccess(tuple(order.gpus), self._odm.gpu_access),
        )

    def _read_only_root(self) -> bool:
        """Known to work with ODM; what ODX writes beside its project is not known."""
        wanted = self._odm.read_only_root
        return self._odm.flavour == "odm" if wanted is None else wanted

    def _network(self, order: Order) -> str:
        """None, so that nothing of a survey can leave; but ODM fetches models at run time where none are mounted."""
        wants_models = any(argument.partition("=")[0] in _NEED_MODELS for argument in order.arguments)
        return "bridge" if wants_models and not self._odm.models else "none"

    def _environment(self, project: Path) -> Mapping[str, str]:
        home = "/tmp"  # noqa: S108
        return {
            "HOME": home,
            "TMPDIR": str(_scratch(project)),
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "MPLCONFIGDIR": f"{home}/.config/matplotlib",
            # GDAL's own default is 5 % of the host's memory, of which it sees all and not the limit.
            "GDAL_CACHEMAX": str(self._odm.gdal_cache_mb),
            "no_ansiesc": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def _ending(facts: Mapping[str, Any]) -> Ending:
    state = facts["State"]
    started = states.parse_time(state.get("StartedAt"))
    if states.is_running(facts):
        message = "It still runs."
    elif started is None:
        message = "It was never started."
    else:
        message = state.get("Error") or (_UNSEEN if state["ExitCode"] == _UNSEEN_CODE else "")
    return Ending(
        exit_code=None if states.is_running(facts) or started is None else int(state["ExitCode"]),
        out_of_memory=bool(state.get("OOMKilled")),
        message=message,
        started_at=started,
        finished_at=states.parse_time(state.get("FinishedAt")),
        details=states.for_forensics(facts),
    )


def _scratch(project: Path) -> Path:
    return project.parent / _SCRATCH


def _suffix(installation: str) -> str:
    return f"-{hashlib.sha256(installation.encode()).hexdigest()[:8]}" if installation else ""
