"""Which GPUs a container sees, found out by asking one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aerodag.containers.faults import UNREACHABLE
from aerodag.containers.spec import GpuAccess
from aerodag.containers.throwaway import ask
from aerodag.errors import AerodagError

if TYPE_CHECKING:
    from docker import APIClient

# Drivers before 510 do not know compute_cap and then answer nothing at all.
_QUESTIONS = (
    ("index", "name", "driver_version", "memory.total", "compute_cap"),
    ("index", "name", "driver_version", "memory.total"),
)
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; ``compute_capability`` like 8.6, None where the driver does not tell."""

    index: int
    name: str
    driver: str
    memory_bytes: int | None
    compute_capability: float | None


@dataclass(frozen=True, slots=True)
class GpuProbe:
    """GPUs that containers see; if there are none, ``reason`` says why in a sentence."""

    gpus: tuple[Gpu, ...]
    reason: str | None = None


def probe_gpus(client: APIClient, image: str, access: GpuAccess, user: str = "") -> GpuProbe:
    """Ask ``nvidia-smi`` in a container of ``image`` that is given GPUs the same way as the engine's.

    Raises:
        InfrastructureError: ``engine.unreachable``; a missing GPU is no error.
    """
    probe = GpuProbe((), "No GPU was asked for.")
    for fields in _QUESTIONS if access.devices else ():
        command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
        try:
            answer = ask(client, image, command, user=user, gpus=access, seconds=_SECONDS)
        except AerodagError as error:
            if error.code == UNREACHABLE:
                raise
            return GpuProbe((), error.message)
        if answer.exit_code is None:
            return GpuProbe((), f"nvidia-smi gave no answer within {_SECONDS} s; the driver hangs.")
        if answer.exit_code == 0 and (gpus := parse_gpus(answer.output)):
            return GpuProbe(gpus)
        probe = GpuProbe((), f"nvidia-smi ended with {answer.exit_code}: {answer.output.strip()[:500] or 'no output'}.")
        if "not a valid field" not in answer.output:
            break
    return probe


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """GPUs of ``nvidia-smi``'s CSV in the order of fields used here; other lines are passed over."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(gpu for row in rows if (gpu := _gpu(row)) is not None)


def _gpu(cells: list[str]) -> Gpu | None:
    if len(cells) not in {len(fields) for fields in _QUESTIONS} or not cells[0].isdecimal():
        return None
    index, name, driver, memory, *capability = cells
    mebibytes = _number(memory)
    return Gpu(
        index=int(index),
        name=name,
        driver=driver,
        memory_bytes=None if mebibytes is None else round(mebibytes * 1024**2),
        compute_capability=_number(capability[0]) if capability else None,
    )


def _number(text: str) -> float | None:
    """A figure; None for ``[N/A]``, ``[Not Supported]`` and the like."""
    try:
        number = float(text.split()[0]) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
