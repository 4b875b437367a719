"""Photogrammetry engines: a prepared project of images in, an orthophoto and its facts out."""

from __future__ import annotations

from collections.abc import Callable

from aerodag.errors import ConfigError
from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.engine import Engine, Plan, Progress, Reconstruction

# In the order in which engine=auto tries them.
ENGINES: dict[str, Callable[[], Engine]] = {"embedded": EmbeddedEngine}


def choose(asked: str) -> Engine:
    """The engine of that name, or with ``auto`` the first that can run here.

    Raises:
        ConfigError: ``engine.unavailable``, with what is missing.
    """
    candidates = list(ENGINES) if asked == "auto" else [asked]
    reasons: list[str] = []
    for name in candidates:
        engine = ENGINES[name]()
        missing = engine.unavailable()
        if not missing:
            return engine
        reasons += missing
    raise ConfigError(
        "engine.unavailable",
        f"No engine can run here: {'; '.join(reasons)}.",
        advice="Install what is missing, or choose engine=auto.",
    )


__all__ = ["ENGINES", "EmbeddedEngine", "Engine", "Plan", "Progress", "Reconstruction", "choose"]
