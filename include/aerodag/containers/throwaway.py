"""Containers that answer one question and are removed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from aerodag.containers.lifecycle import inspect, remove, start
from aerodag.containers.logs import LogReader, log_window
from aerodag.containers.spec import DEADLINE, NO_GPU, ROLE, Bind, ContainerSpec, GpuAccess
from aerodag.containers.states import is_running

if TYPE_CHECKING:
    from docker import APIClient

PROBE = "probe"
_MEMORY_BYTES = 512 * 1024**2
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What a throw-away container said; ``exit_code`` is None where it did not end in time."""

    exit_code: int | None
    output: str


def ask(
    client: APIClient,
    image: str,
    command: Sequence[str],
    *,
    user: str = "",
    binds: Sequence[Bind] = (),
    gpus: GpuAccess = NO_GPU,
    seconds: int = 60,
) -> Answer:
    """Run ``command`` in a new container of ``image``, which is gone afterwards.

    Raises:
        AerodagError: as `start` does.
    """
    spec = ContainerSpec(
        name=f"aerodag-probe-{uuid4().hex[:12]}",
        image=image,
        entrypoint=command,
        labels={ROLE: PROBE, DEADLINE: (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()},
        user=user,
        binds=binds,
        memory_bytes=_MEMORY_BYTES,
        gpus=gpus,
    )
    try:
        container = start(client, spec)
        exit_code = _wait(client, container, seconds)
        lines = LogReader().read(log_window(client, container), ended=lambda: True)
        return Answer(exit_code, "\n".join(line.text for line in lines))
    finally:
        remove(client, spec.name)


def _wait(client: APIClient, container: str, seconds: float) -> int | None:
    until = time.monotonic() + seconds
    while (facts := inspect(client, container)) is not None:
        if not is_running(facts):
            return int(facts["State"]["ExitCode"])
        if time.monotonic() > until:
            break
        time.sleep(_PAUSE_SECONDS)
    return None
