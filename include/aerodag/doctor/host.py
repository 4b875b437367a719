"""This host: its settings, its data root, its memory."""

from __future__ import annotations

import difflib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from pydantic import BaseModel, ValidationError

from aerodag.doctor.examination import Visit
from aerodag.doctor.verdict import Verdict, failed, ok, skipped, warning
from aerodag.preflight import amounts
from aerodag.settings import Settings

_PROBE_BYTES = 1024**2
# What the embedded engine takes for a survey of 80 images.
_LEAST_MEMORY_BYTES = int(1.5 * 1024**3)
_PREFIX = "AERODAG_"
_OF_TESTS = "AERODAG_TEST_"
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def settings(visit: Visit) -> Verdict:
    """Whether every ``AERODAG_*`` variable is a setting; a misspelt one is passed over in silence."""
    given = sorted(name for name in os.environ if name.upper().startswith(_PREFIX))
    known = list(_variables(Settings, _PREFIX))
    wrong = [name for name in given if not _is_known(name.upper(), known)]
    if not wrong:
        return ok(
            f"{amounts.count_of(len(given), 'setting')} of the environment read, the others are defaults.",
            data_root=str(visit.settings.data),
            given=given,
        )
    near = {name: difflib.get_close_matches(name.upper(), known, n=1) for name in wrong}
    meant = ", ".join(f"{match[0]} instead of {name}" for name, match in near.items() if match)
    return warning(
        f"No setting has the name {', '.join(wrong)}, so that it does nothing.",
        f"Use {meant}." if meant else f"Remove {', '.join(wrong)} from the environment.",
        unknown=wrong,
    )


def unreadable(error: ValidationError) -> Verdict:
    """Settings that cannot be read. Their values are not shown: some are secrets."""
    names = [_PREFIX + "__".join(str(part) for part in each["loc"]).upper() for each in error.errors()]
    reasons = [each["msg"] for each in error.errors()]
    told = "; ".join(f"{name}: {reason}" for name, reason in zip(names, reasons, strict=True))
    return failed(f"The settings cannot be read: {told}.", f"Correct or unset {', '.join(names)}.", wrong=names)


def data_root(visit: Visit) -> Verdict:
    """Whether a file can be written there, reaches the disk, and reads back."""
    root = visit.settings.data
    if not root.exists() and visit.settings.data_root is None:
        return skipped(f"There is no {root} yet.", "`make up` or `make demo` makes it.")
    if not root.is_dir():
        return failed(
            f"There is no folder {root} here.",
            "Mount or make it, or correct AERODAG_DATA_ROOT.",
            path=str(root),
        )
    try:
        seconds = _round_trip(root)
    except OSError as error:
        return failed(
            f"{root} cannot be used: {error.strerror or error}.",
            f"Let user {os.geteuid()} write there (chown {os.geteuid()} {root}), or correct AERODAG_DATA_ROOT.",
            path=str(root),
        )
    return ok(
        f"{amounts.data_size(_PROBE_BYTES)} went to the disk of {root} and back in {seconds * 1000:.0f} ms.",
        path=str(root),
        seconds=round(seconds, 4),
    )


def disk(visit: Visit) -> Verdict:
    """Free space against the limits at which the engine is warned of and stopped."""
    odm, root = visit.settings.odm, _existing(visit.settings.data)
    usage = shutil.disk_usage(root)
    free, soft, hard = (amounts.data_size(size) for size in (usage.free, odm.disk_soft_bytes, odm.disk_hard_bytes))
    told = f"{free} of {amounts.data_size(usage.total)} are free at {root}"
    numbers = {"free_bytes": usage.free, "total_bytes": usage.total}
    if usage.free < odm.disk_hard_bytes:
        return failed(
            f"{told}; engines are stopped below {hard}.",
            f"Free space there, or move AERODAG_DATA_ROOT to a larger disk: df -h {root}",
            **numbers,
        )
    if usage.free < odm.disk_soft_bytes:
        return warning(
            f"{told}; below {soft} every run warns.",
            f"Free space there, or set AERODAG_ODM__DISK_SOFT_BYTES lower: df -h {root}",
            **numbers,
        )
    return ok(f"{told}; engines are stopped below {hard}.", **numbers)


def resources(visit: Visit) -> Verdict:
    """Memory and cores for what runs in this process: decoding, rasters, the embedded engine."""
    memory = psutil.virtual_memory()
    total = min([memory.total, *_container_limit()])
    free = min(memory.available, total)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = visit.settings.max_concurrency
    told = f"{amounts.data_size(free)} of {amounts.data_size(total)} memory are free, {wanted} threads on {cores} cores"
    numbers = {"free_bytes": free, "total_bytes": total, "cores": cores, "max_concurrency": wanted}
    if free < _LEAST_MEMORY_BYTES:
        need = amounts.data_size(_LEAST_MEMORY_BYTES)
        return warning(f"{told}; the embedded engine takes {need}.", "End other programs or add memory.", **numbers)
    if wanted > cores:
        return warning(f"{told}; they will wait for each other.", f"Set AERODAG_MAX_CONCURRENCY={cores}.", **numbers)
    return ok(f"{told}.", **numbers)


def _round_trip(folder: Path) -> float:
    content = secrets.token_bytes(_PROBE_BYTES)
    started = time.monotonic()
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if Path(file.name).read_bytes() != content:
            raise OSError(f"{_PROBE_BYTES} bytes did not read back as they were written")
    return time.monotonic() - started


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _container_limit() -> list[int]:
    """The memory limit of the container that this process may be in."""
    try:
        text = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return []
    return [int(text)] if text.isdecimal() else []


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _variables(field.annotation, f"{prefix}{name.upper()}__")


def _is_known(name: str, known: list[str]) -> bool:
    models = ("CHECKS", "ODM", "NODEODM")
    if name in known or name.startswith(_OF_TESTS):
        return True
    # Below a table of values, such as AERODAG_CHECKS__BLURRED_BELOW__1, every name is a key.
    parents = (each for each in known if each.removeprefix(_PREFIX) not in models)
    return any(name.startswith(f"{parent}__") for parent in parents)
