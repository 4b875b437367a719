"""Who is killed: one process by SIGKILL, chosen by the seed among those that are there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from random import Random

import psutil
from system import ChaosSystem

Choose = Callable[[ChaosSystem, Random], psutil.Process | None]


def _any(found: list[psutil.Process], random: Random) -> psutil.Process | None:
    return random.choice(sorted(found, key=lambda process: process.pid)) if found else None


def _service(name: str) -> Choose:
    return lambda system, _: system.service(name)


def _task(system: ChaosSystem, random: Random) -> psutil.Process | None:
    return _any(system.tasks(), random)


def _busy_worker(system: ChaosSystem, random: Random) -> psutil.Process | None:
    return _any([worker for worker in system.workers() if worker.children()], random)


def _idle_worker(system: ChaosSystem, random: Random) -> psutil.Process | None:
    return _any([worker for worker in system.workers() if not worker.children()], random)


def _backend(system: ChaosSystem, random: Random) -> psutil.Process | None:
    postmaster = system.postmaster()
    return _any(postmaster.children() if postmaster else [], random)


VICTIMS: dict[str, Choose] = {
    "task": _task,
    "worker": _busy_worker,
    "idle worker": _idle_worker,
    "api-server": _service("api-server"),
    "scheduler": _service("scheduler"),
    "triggerer": _service("triggerer"),
    "dag-processor": _service("dag-processor"),
    "postmaster": lambda system, _: system.postmaster(),
    "database backend": _backend,
}
# Tasks die more often than services, as they do under a host that runs out of memory.
WEIGHTS = {"task": 3, "worker": 3}


def plan_kills(victims: Sequence[str], count: int, seconds: float, random: Random) -> list[tuple[float, str]]:
    """``count`` moments within ``seconds`` with a kind each; every kind comes as soon as there are enough kills."""
    bag = [kind for kind in victims for _ in range(WEIGHTS.get(kind, 1))]
    kinds: list[str] = random.sample(victims, len(victims))
    while len(kinds) < count:
        kinds += random.sample(bag, len(bag))
    return list(zip(sorted(random.uniform(0, seconds) for _ in range(count)), kinds[:count], strict=True))


def kill(system: ChaosSystem, kind: str, random: Random) -> bool:
    """SIGKILL one process of this kind; False when there is none now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        victim = VICTIMS[kind](system, random)
        if victim is not None:
            victim.kill()
            return True
    return False
