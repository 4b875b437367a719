"""Photogrammetry engines: a prepared project of images in, an orthophoto and its facts out."""

from __future__ import annotations

from collections.abc import Callable

from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.engine import Engine, Plan, Progress, Reconstruction

# In the order in which engine=auto tries them.
ENGINES: dict[str, Callable[[], Engine]] = {"embedded": EmbeddedEngine}

__all__ = ["ENGINES", "EmbeddedEngine", "Engine", "Plan", "Progress", "Reconstruction"]
