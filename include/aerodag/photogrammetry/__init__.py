"""Photogrammetry engines: a prepared project of images in, an orthophoto and its facts out."""

from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.engine import Engine, Plan, Progress, Reconstruction
from aerodag.photogrammetry.outputs import mesh_parts, outputs
from aerodag.photogrammetry.registry import ENGINES, Choice, EngineHost, choose, endpoint, host_of, jobs, node

__all__ = [
    "ENGINES",
    "Choice",
    "EmbeddedEngine",
    "Engine",
    "EngineHost",
    "Plan",
    "Progress",
    "Reconstruction",
    "choose",
    "endpoint",
    "host_of",
    "jobs",
    "mesh_parts",
    "node",
    "outputs",
]
