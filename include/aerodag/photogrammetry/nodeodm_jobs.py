"""ODM on a NodeODM or ClusterODM server."""

from __future__ import annotations

import re
import time
import uuid as uuids
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog
from pyodm.types import TaskStatus

from aerodag.errors import AerodagError, ConfigError, EngineError, InfrastructureError
from aerodag.photogrammetry.jobs import Ending, JobState, LogLine, Look, Order, Ticket
from aerodag.photogrammetry.nodeodm.client import Client, NodeFacts, Refusal
from aerodag.photogrammetry.nodeodm.download import ORTHOPHOTO, download, unpack
from aerodag.photogrammetry.nodeodm.journal import Journal
from aerodag.photogrammetry.nodeodm.options import check_options, split_arguments
from aerodag.photogrammetry.nodeodm.tasks import Task, ending_of, read_task
from aerodag.photogrammetry.nodeodm.upload import Upload, UploadLostError, refused_values
from aerodag.settings import NodeOdm

log = structlog.get_logger(__name__)

_NAMESPACE = uuids.uuid5(uuids.NAMESPACE_DNS, "nodeodm.aerodag")
_ATTEMPTS = 32
_ROUNDS = 3
_TAIL = 200
_GONE = ("not found", "invalid route")
_TOO_MANY = re.compile(r"(\d+) images uploaded, but this node can only process up to (\d+)")
# ClusterODM's only line while it forwards a task; the node's own lines then take its place.
_LAUNCHING = "Launching... please wait!"


class NodeOdmJobs:
    """Jobs on one node, by their uuid there; the `Jobs` protocol.

    ``owner`` names this installation: two of them may share a node, and number their runs alike. NodeODM takes the
    uuid that is derived from owner, run and attempt; ClusterODM gives its own, and the task's name tells whose it is.
    ``wait_seconds`` bounds how long a cancelled or removed task is waited for.
    """

    def __init__(self, endpoint: NodeOdm, *, owner: str = "", wait_seconds: float = 60.0, pause: float = 1.0) -> None:
        if not endpoint.url:
            raise ConfigError(
                "engine.no_node",
                "No NodeODM server is configured.",
                advice="Set AERODAG_NODEODM__URL or the connection aerodag_nodeodm.",
            )
        self._client = Client(endpoint.url, endpoint.token)
        self._parallel = endpoint.parallel_uploads
        self._owner = owner
        self._wait_seconds = wait_seconds
        self._pause = pause
        # Lines that were counted before the node lost the output and began a task anew.
        self._lost_lines: dict[str, int] = {}
        self._last_line: dict[str, tuple[int, str]] = {}

    def facts(self, seconds: float = 5.0) -> NodeFacts:
        """What the node says of itself. Raises as every call."""
        return self._client.facts(seconds)

    def unavailable(self, seconds: float = 5.0) -> str | None:
        """Why nothing can be submitted now; None if it can. One request, answered within ``seconds``."""
        try:
            self.facts(seconds)
        except AerodagError as error:
            return str(error)
        return None

    def uuid_of(self, run_id: int, attempt: int) -> str:
        """The uuid that is wished for this start; without the dataset, as a run alone must be enough to find it."""
        return str(uuids.uuid5(_NAMESPACE, f"{self._owner}/r{run_id}-t{attempt}"))

    def find(self, run_id: int) -> str | None:
        """The newest task of this run. From the node's list where it has one, else by trying the uuids."""
        wished = {self.uuid_of(run_id, attempt): attempt for attempt in range(_ATTEMPTS, 0, -1)}
        listed = self._listed()
        if listed is None:
            return next((uuid for uuid in wished if self._task(uuid) is not None), None)
        ours = [uuid for uuid in wished if uuid in listed]
        if ours:
            return ours[0]
        named = self._named(run_id, listed)
        return named[max(named)] if named else None

    def submit(self, order: Order) -> str:
        """Upload and start, or find it started already; a submit that died is gone on with.

        Raises:
            ConfigError: ``odm.option_unknown``, ``odm.option_value``, ``engine.node_limit``, ``engine.unauthorised``.
            InfrastructureError: ``engine.unreachable``; ``engine.upload_damaged`` when files arrive twice or not.
        """
        journal = Journal(order.project.parent / f".{order.ticket.name}.upload")
        if (existing := self._started(order.ticket, journal)) is not None:
            return existing
        options, side = split_arguments(order.arguments, order.project)
        images = {file.name: file for file in sorted((order.project / "images").iterdir()) if file.is_file()}
        self._check(options, len(images) + len(side))
        for _ in range(_ROUNDS):
            upload = Upload(
                client=self._client,
                journal=journal,
                uuid=self.uuid_of(order.ticket.run_id, order.ticket.attempt),
                name=self._name(order.ticket),
                options=options,
                files=side | images,
                parallel=self._parallel,
            )
            job = self._upload(upload)
            if job is not None and self._arrived(job, len(images), len(side)):
                log.info("task submitted", task=job, name=upload.name, images=len(images))
                return job
            if job is not None:
                self.discard(job)
            journal.forget()
        raise InfrastructureError(
            "engine.upload_damaged",
            f"{len(images)} images did not arrive whole at the node {self._client.address} in {_ROUNDS} attempts.",
            advice="Check the connection to the node; the step can then be tried again.",
            numbers={"images": len(images), "attempts": _ROUNDS},
        )

    def look(self, job: str) -> Look:
        """The task's state and percent; a node tells nothing of memory."""
        task = self._task(job)
        if task is None:
            return Look(JobState.GONE)
        return Look(JobState.RUNNING if task.runs else JobState.ENDED, percent=task.percent)

    def lines(self, job: str, after: int = 0) -> Iterator[LogLine]:
        """The lines beyond the first ``after``; the count goes on when a restarted node begins a task anew."""
        for number, text in enumerate(self._output_after(job, after), after + 1):
            self._last_line[job] = (number, text)
            yield LogLine(number, text)

    def stop(self, job: str) -> None:
        """Cancel, and return when the node says that it is so."""
        deadline = time.monotonic() + self._wait_seconds
        while (task := self._task(job)) is not None and task.runs:
            self._overdue(job, deadline, "stopped")
            self._command("cancel", job)
        log.info("task stopped", task=job)

    def ending(self, job: str) -> Ending:
        """How it ended; the times count from its creation.

        Raises:
            EngineError: ``engine.job_gone`` when the node does not know it; ``engine.job_runs`` when it has not ended.
        """
        task = self._known_task(job)
        if task.runs:
            raise EngineError(
                "engine.job_runs",
                f"The task {job} has not ended; it is at {task.percent:.0f} percent.",
                advice="Ask again when it has ended.",
            )
        return ending_of(task, self._output(job, -_TAIL) or [])

    def fetch(self, job: str, project: Path) -> None:
        """The task's results into ``project``; a node keeps none of a task that failed.

        Raises:
            EngineError: ``engine.job_gone``, ``engine.no_orthophoto``, ``engine.archive_unsafe``.
            InfrastructureError: ``engine.unreachable``, ``engine.archive_damaged``, ``engine.disk_full``,
                ``engine.not_written``.
        """
        done = project.parent / f".{job}.fetched"
        if done.is_file() and (project / ORTHOPHOTO).is_file():
            return
        if self._known_task(job).status is not TaskStatus.COMPLETED:
            log.info("nothing to fetch", task=job)
            return
        archive = project.parent / f".{job}.zip"
        try:
            project.mkdir(parents=True, exist_ok=True)  # another host may have sent the images
            if not archive.is_file():
                download(self._client, job, archive)
            written = unpack(archive, project)
            done.touch()
            archive.unlink()
        except OSError as error:
            raise InfrastructureError(
                "engine.not_written",
                f"The results of task {job} could not be written to {project}: {error}.",
                advice="Free space on the work disk and check its permissions; the step can then be tried again.",
            ) from error
        log.info("results fetched", task=job, files=written)

    def discard(self, job: str) -> None:
        """Remove the task with its files, running or not, and see that it is gone."""
        deadline = time.monotonic() + self._wait_seconds
        while self._task(job) is not None:
            self._overdue(job, deadline, "removed")
            self._command("remove", job)
        self._lost_lines.pop(job, None)
        self._last_line.pop(job, None)

    def _name(self, ticket: Ticket) -> str:
        return f"{ticket.name}@{self._owner}" if self._owner else ticket.name

    def _started(self, ticket: Ticket, journal: Journal) -> str | None:
        for uuid in (self.uuid_of(ticket.run_id, ticket.attempt), journal.uuid):
            if uuid is not None and self._task(uuid) is not None:
                return uuid
        return self._named(ticket.run_id, self._listed() or []).get(ticket.attempt)

    def _listed(self) -> list[str] | None:
        try:
            found = self._client.get("/task/list")
        except Refusal:
            return None
        return [str(each["uuid"]) for each in found] if isinstance(found, list) else None

    def _named(self, run_id: int, listed: list[str]) -> dict[int, str]:
        pattern = re.compile(rf"aerodag-d\d+-r{run_id}-t(\d+)" + (re.escape(f"@{self._owner}") if self._owner else ""))
        found: dict[int, str] = {}
        for uuid in listed:
            task = self._task(uuid)
            if task is not None and (match := pattern.fullmatch(task.name)):
                found[int(match[1])] = uuid
        return found

    def _check(self, options: Mapping[str, Any], files: int) -> None:
        limit = self._client.facts().max_images
        if limit is not None and files > limit:
            raise self._over_limit(files, limit)
        check_options(options, self._client.get("/options"))

    def _over_limit(self, files: int, limit: int) -> ConfigError:
        return ConfigError(
            "engine.node_limit",
            f"{files} files are to be processed, the node {self._client.address} takes at most {limit}.",
            advice="Raise the node's --max_images, use another node, or split the dataset.",
            numbers={"files": files, "limit": limit},
        )

    def _upload(self, upload: Upload) -> str | None:
        try:
            return upload.run()
        except UploadLostError as lost:
            uuid = upload.journal.uuid
            if uuid is not None and self._task(uuid) is not None:
                return uuid
            log.warning("upload starts over", task=upload.name, reason=str(lost))
            return None
        except Refusal as refusal:
            if values := refused_values(refusal):
                raise ConfigError(
                    "odm.option_value",
                    f"The node refuses {len(values)} of the options: {'; '.join(values)}.",
                    advice="Correct the options in the run's engine options.",
                    numbers={"refused": values},
                ) from refusal
            raise

    def _arrived(self, job: str, images: int, side: int) -> bool:
        """Whether the node counts as many images as were sent.

        Until it has sorted the files it counts the side files as well, and the archive of those that were cut.
        """
        most = images + side + 1
        deadline = time.monotonic() + min(self._wait_seconds, 10 * self._pause)
        while (task := self._task(job)) is not None:
            if found := _TOO_MANY.search(task.error):
                self.discard(job)
                raise self._over_limit(int(found[1]), int(found[2]))
            if task.images in {images, -1} or task.status in {TaskStatus.FAILED, TaskStatus.CANCELED}:
                return True
            # A queued task has its files sorted; the first state of all is, oddly, running.
            if task.images > most or task.status is TaskStatus.QUEUED:
                log.warning("images doubled or lost on the way", task=job, counted=task.images, sent=images)
                return False
            if time.monotonic() > deadline:
                return True
            time.sleep(self._pause / 5)
        return False

    def _task(self, job: str) -> Task | None:
        try:
            return read_task(self._client.get(f"/task/{job}/info"))
        except Refusal as refusal:
            if any(sign in refusal.message.lower() for sign in _GONE):
                return None
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise self._client.unreachable(f"its answer makes no sense ({error!r})") from error

    def _known_task(self, job: str) -> Task:
        if (task := self._task(job)) is None:
            raise EngineError(
                "engine.job_gone",
                f"The node {self._client.address} does not know the task {job} any more.",
                advice="Its files are lost with it; start the step again.",
            )
        return task

    def _output_after(self, job: str, after: int) -> list[str]:
        lost = self._lost_lines.get(job, 0)
        lost = lost if after >= lost else 0
        if after > lost:
            # With the last line that was seen: where it is missing, the output is another one than before.
            known = self._output(job, after - lost - 1)
            if known is None:
                return []
            number, text = self._last_line.get(job, (0, ""))
            if known and (number != after or text == known[0]):
                return known[1:]
            log.warning("the node began the task anew", task=job, lines_before=after)
            self._lost_lines[job] = after
        return self._output(job, 0) or []

    def _output(self, job: str, line: int) -> list[str] | None:
        """From that line on, counted from 0, or from the end when negative; None for a task that is gone."""
        try:
            found = self._client.get(f"/task/{job}/output", line=line)
        except Refusal as refusal:
            if any(sign in refusal.message.lower() for sign in _GONE):
                return None
            raise
        lines = [str(each) for each in found] if isinstance(found, list) else []
        return [] if len(lines) == 1 and lines[0].startswith(_LAUNCHING) else lines

    def _command(self, verb: str, job: str) -> None:
        try:
            self._client.post(f"/task/{verb}", data={"uuid": job})
        except (Refusal, InfrastructureError) as error:
            # The next look at the task tells whether there is anything left to do.
            log.info("command not taken", command=verb, task=job, reason=error.message)
        if (task := self._task(job)) is not None and (verb == "remove" or task.runs):
            time.sleep(self._pause)

    def _overdue(self, job: str, deadline: float, what: str) -> None:
        if time.monotonic() > deadline:
            raise InfrastructureError(
                "engine.not_ended",
                f"The task {job} was not {what} by the node within {self._wait_seconds:.0f} s.",
                advice="Look at the node; the task may still use it.",
                numbers={"seconds": self._wait_seconds},
            )
