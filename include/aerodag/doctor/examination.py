"""How checks are done: one after the other, each within its time, none without what it needs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import psycopg

from aerodag import photogrammetry
from aerodag.doctor.verdict import Status, Verdict, failed, of_error, skipped
from aerodag.errors import AerodagError
from aerodag.settings import Settings
from aerodag.storage import Storage

if TYPE_CHECKING:
    from docker import APIClient

    from aerodag.containers.host import HostFacts
    from aerodag.containers.images import ImageFacts

Report = dict[str, Verdict]
OpenLedger = Callable[[], AbstractContextManager[psycopg.Connection]]

_CALL_SECONDS = 30


class Visit:
    """What the checks look at: the settings, a way to the ledger if there is one, and a Docker engine, asked once."""

    def __init__(self, settings: Settings, open_ledger: OpenLedger | None = None) -> None:
        self.settings = settings
        self.open_ledger = open_ledger

    @property
    def work(self) -> Path:
        """Where runs have their scratch space, or the data root where there was none yet."""
        work = Storage(self.settings.data).work(0).parent
        return work if work.is_dir() else self.settings.data

    @cached_property
    def docker(self) -> APIClient:
        """The Docker engine. Raises as `connect`."""
        from aerodag.containers.endpoint import connect

        return connect(photogrammetry.endpoint(self.settings.odm), timeout=_CALL_SECONDS)

    @cached_property
    def docker_host(self) -> HostFacts:
        """What the Docker engine says of its host."""
        from aerodag.containers.host import host_facts

        return host_facts(self.docker)

    def image(self, reference: str) -> ImageFacts | None:
        """The image where it is on the Docker host already; it is not brought."""
        from aerodag.containers.images import ensure_image

        try:
            return ensure_image(self.docker, reference, "never")
        except AerodagError as error:
            if error.code == "engine.image_missing":
                return None
            raise

    @property
    def memory_bytes(self) -> int:
        """What an engine's container would get."""
        return self.settings.odm.memory_on(self.docker_host.memory_bytes)

    @property
    def cpus(self) -> float:
        """What an engine's container would get, in cores."""
        return self.settings.odm.cpus_on(self.docker_host.cpus)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at, for at most ``seconds``; ``needs`` names the checks without whose success it says nothing.

    A check that is needed and not part of the examination counts as passed.
    """

    name: str
    look: Callable[[Visit], Verdict]
    needs: tuple[str, ...] = ()
    seconds: float = 30.0


def examine(checks: Iterable[Check], visit: Visit) -> Report:
    """Do the checks in their order; never raises."""
    report: Report = {}
    for check in checks:
        report[check.name] = _unmet(check, report) or _bounded(check, visit)
    return report


def passed(report: Report) -> bool:
    """Whether nothing failed."""
    return all(verdict.status is not Status.FAILED for verdict in report.values())


def as_json(report: Report) -> str:
    """A list of objects ``{check, status, message, advice, numbers}``."""
    rows = [{"check": name, **dataclasses.asdict(verdict)} for name, verdict in report.items()]
    return json.dumps(rows, indent=2, default=str)


def from_json(text: str) -> Report:
    """The inverse of `as_json`. Raises ``ValueError`` for anything else."""
    rows = json.loads(text)
    return {row["check"]: _verdict(row) for row in rows}


def _verdict(row: Mapping[str, object]) -> Verdict:
    numbers = row["numbers"]
    return Verdict(
        Status(str(row["status"])),
        str(row["message"]),
        str(row["advice"]),
        dict(numbers) if isinstance(numbers, Mapping) else {},
    )


def _unmet(check: Check, report: Report) -> Verdict | None:
    """Why it cannot be done: by the check at the beginning of the chain, since what stands on it says nothing new."""
    for name in check.needs:
        match report.get(name):
            case Verdict(status=Status.FAILED):
                return skipped(f"Not looked at, because {name} failed.")
            case Verdict(status=Status.SKIPPED, message=reason):
                return skipped(reason)
    return None


def _bounded(check: Check, visit: Visit) -> Verdict:
    """The check in a thread that is given up at its bound: nothing else ends a read from a mount that is gone."""
    answer: SimpleQueue[Verdict] = SimpleQueue()
    Thread(target=lambda: answer.put(_guarded(check, visit)), name=check.name, daemon=True).start()
    try:
        return answer.get(timeout=check.seconds)
    except Empty:
        return failed(
            f"No answer within {check.seconds:.0f} s.",
            "Look for what hangs there: a mount whose server is gone, a firewall that drops, a daemon or a driver.",
            seconds=check.seconds,
        )


def _guarded(check: Check, visit: Visit) -> Verdict:
    try:
        return check.look(visit)
    except AerodagError as error:
        return of_error(error)
    except Exception as error:
        text = " ".join(str(error).split()) or "no words"
        return failed(f"{type(error).__name__}: {text}", "Correct what the message speaks of, and look again.")
