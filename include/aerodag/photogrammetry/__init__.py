"""Photogrammetry engines: a prepared project of images in, an orthophoto and its facts out."""

from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.engine import Engine, Plan, Progress, Reconstruction
from aerodag.photogrammetry.registry import ENGINES, Choice, choose, endpoint, jobs

__all__ = [
    "ENGINES",
    "Choice",
    "EmbeddedEngine",
    "Engine",
    "Plan",
    "Progress",
    "Reconstruction",
    "choose",
    "endpoint",
    "jobs",
]
