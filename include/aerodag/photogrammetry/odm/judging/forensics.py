"""Everything about a failed or odd run that somebody may want to read later, in one bounded JSON object."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, Final

from aerodag.photogrammetry.jobs import Ending, Order
from aerodag.photogrammetry.odm.judging.stats import read_json
from aerodag.photogrammetry.odm.watching.log import Watcher, read_benchmark

_TEXT: Final = 2000
_ITEMS: Final = 500
_DEPTH: Final = 8
_SECRET: Final = ("token", "password", "secret", "credential", "api_key", "access_key")
_LOG_JSON: Final = ("odmVersion", "memory", "cpus", "images", "options", "startTime", "endTime", "totalTime", "stages",
                    "processes", "success", "error", "stackTrace")  # fmt: skip


def bundle(
    project: Path,
    ending: Ending | None,
    watcher: Watcher,
    order: Order | None = None,
    plan: Mapping[str, Any] | None = None,
    stop: str | None = None,
) -> dict[str, Any]:
    """What is known of a run; `dumps` never fails on it.

    ``ending`` and ``order`` as far as there are any, ``stop`` why we ended it. Texts are cut to 2000 characters and
    lists to 500 items, keeping the ends, which tell most; numbers that JSON cannot hold are None.
    """
    content = {
        "ending": ending,
        "stop": stop,
        "order": order,
        "plan": plan,
        "stage": watcher.stage,
        "percent": watcher.percent,
        "lines": watcher.lines,
        "last_line_at": watcher.last_line_at,
        "stages": watcher.journal,
        "facts": watcher.facts,
        "head": watcher.head,
        "tail": list(watcher.tail),
        "troubles": list(watcher.troubles),
        "benchmark": read_benchmark(project / "benchmark.txt"),
        "log_json": _log_json(project / "log.json"),
        "options_json": read_json(project / "options.json"),
    }
    bounded: dict[str, Any] = _bounded(content, _DEPTH)
    return bounded


def dumps(content: Mapping[str, Any]) -> str:
    """The bundle as text."""
    return json.dumps(content, indent=1, allow_nan=False)


def _log_json(path: Path) -> dict[str, Any] | None:
    content = read_json(path)
    if not isinstance(content, Mapping):
        return None
    return {key: content[key] for key in _LOG_JSON if key in content}


def _bounded(value: object, depth: int) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(list(value), depth)
    return _scalar(value)


def _mapping(value: Mapping[Any, Any], depth: int) -> object:
    if depth <= 0:
        return _scalar(str(value))
    items = list(value.items())[:_ITEMS]
    return {_key(key): "***" if _is_secret(key) else _bounded(item, depth - 1) for key, item in items}


def _sequence(value: list[Any], depth: int) -> object:
    if depth <= 0:
        return _scalar(str(value))
    if len(value) > _ITEMS:
        half = _ITEMS // 2
        value = [*value[:half], f"... {len(value) - 2 * half} left out ...", *value[-half:]]
    return [_bounded(item, depth - 1) for item in value]


def _key(key: object) -> str:
    return str(_scalar(str(key)))[:200]


def _is_secret(key: object) -> bool:
    return any(word in str(key).lower() for word in _SECRET)


def _scalar(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and not isinstance(value, Enum):
        return value if abs(value) < 1e300 else None
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value.value if isinstance(value, Enum) else value)
    # PostgreSQL's jsonb refuses both NUL and lone surrogates.
    text = text.encode("utf-8", "replace").decode().replace("\x00", "")
    if len(text) <= _TEXT:
        return text
    half = _TEXT // 2
    return f"{text[:half]} ... {text[-half:]}"
