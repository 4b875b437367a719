"""What a container is doing, what it uses, how it ended, and which containers of this project there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aerodag.containers.faults import translated
from aerodag.containers.lifecycle import inspect
from aerodag.containers.spec import DATASET, DEADLINE, INSTALLATION, ROLE, RUN, TRY

if TYPE_CHECKING:
    from docker import APIClient

_RUNNING = frozenset({"running", "paused", "restarting"})
_LONGEST_TEXT = 2000
_MOST_ITEMS = 200
_OPEN_VARIABLES = re.compile(
    r"(PATH|HOME|TMPDIR|LANG|LC_\w+|XDG_\w+|MPLCONFIGDIR|GDAL_\w+|NVIDIA_\w+|CUDA_\w+|OMP_\w+|ODM_\w+|PYTHON\w*|no_ansiesc)="
)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A container of this project, as housekeeping needs to know it; None where a label is missing."""

    id: str
    name: str
    role: str | None
    installation: str | None
    dataset_id: int | None
    run_id: int | None
    attempt: int | None
    deadline: datetime | None
    state: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def running(self) -> bool:
        """Whether its processes exist."""
        return self.state in _RUNNING


def is_running(facts: Mapping[str, Any]) -> bool:
    """Whether the processes of an inspected container exist."""
    return facts["State"]["Status"] in _RUNNING


def memory_bytes(client: APIClient, container: str) -> int | None:
    """Memory in use now that the kernel could not take back at once, which is what the limit acts on.

    It is the cgroup's usage less inactive file pages, as ``docker stats`` has it. The cgroup's own maximum is no
    peak of the engine: it counts the page cache too, which reading images fills up to any limit.
    """
    from docker.errors import NotFound
    from docker.utils import version_lt

    one_shot = None if version_lt(client.api_version, "1.41") else True
    with translated(f"measuring container {container[:12]}"):
        try:
            memory = client.stats(container, stream=False, one_shot=one_shot).get("memory_stats") or {}
        except NotFound:
            return None
    usage = memory.get("usage")
    pages = memory.get("stats") or {}
    return (
        None
        if usage is None
        else max(0, int(usage) - int(pages.get("total_inactive_file", pages.get("inactive_file", 0))))
    )


def labelled(client: APIClient, **wanted: str) -> list[Labelled]:
    """All containers of this project, oldest first; ``wanted`` narrows by label (``run="7"``, ``role="engine"``)."""
    filters = [ROLE, *(f"aerodag.{key}={value}" for key, value in wanted.items())]
    with translated("listing containers"):
        rows = client.containers(all=True, filters={"label": filters})
    inspected = (inspect(client, row["Id"]) for row in rows)
    return sorted((_labelled(facts) for facts in inspected if facts), key=lambda found: found.created_at)


def parse_time(text: str | None) -> datetime | None:
    """A moment as Docker writes it, to the microsecond; None for its "never", the year 1."""
    if not text or text.startswith("0001-"):
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def for_forensics(facts: Mapping[str, Any]) -> dict[str, Any]:
    """An inspected container without values of variables that might be secrets, and of bounded size."""
    config = dict(facts.get("Config") or {})
    config["Env"] = [
        entry if _OPEN_VARIABLES.match(entry) else f"{entry.partition('=')[0]}=(hidden)"
        for entry in config.get("Env") or ()
    ]
    bounded: dict[str, Any] = _bounded({**facts, "Config": config})
    return bounded


def _bounded(value: Any) -> Any:
    match value:
        case str():
            return value[:_LONGEST_TEXT]
        case Mapping():
            return {str(key): _bounded(each) for key, each in list(value.items())[:_MOST_ITEMS]}
        case list() | tuple():
            return [_bounded(each) for each in value[:_MOST_ITEMS]]
    return value


def _labelled(facts: Mapping[str, Any]) -> Labelled:
    labels, state = facts["Config"].get("Labels") or {}, facts["State"]
    return Labelled(
        id=facts["Id"],
        name=facts["Name"].lstrip("/"),
        role=labels.get(ROLE),
        installation=labels.get(INSTALLATION),
        dataset_id=_number(labels.get(DATASET)),
        run_id=_number(labels.get(RUN)),
        attempt=_number(labels.get(TRY)),
        deadline=parse_time(labels.get(DEADLINE)),
        state=state["Status"],
        created_at=parse_time(facts["Created"]) or datetime.min.replace(tzinfo=UTC),
        started_at=parse_time(state.get("StartedAt")),
        finished_at=parse_time(state.get("FinishedAt")),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
