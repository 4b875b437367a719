"""From camera poses to the orthophoto and the surface."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from aerodag.errors import EngineError
from aerodag.photogrammetry.embedded.events import Reporter
from aerodag.photogrammetry.embedded.ground.dense import densify
from aerodag.photogrammetry.embedded.ground.surface import Surface, build_surface
from aerodag.photogrammetry.embedded.mosaic.colour import colour_gains
from aerodag.photogrammetry.embedded.mosaic.grid import STEP, Grid
from aerodag.photogrammetry.embedded.mosaic.labels import MAX_OBLIQUENESS, choose_views
from aerodag.photogrammetry.embedded.mosaic.orthophoto import Mosaic, render, write_surface
from aerodag.photogrammetry.embedded.mosaic.pixels import ImageCache
from aerodag.photogrammetry.embedded.mosaic.seam_cuts import cut_seams
from aerodag.photogrammetry.embedded.mosaic.seams import SeamError, measure_seams
from aerodag.photogrammetry.embedded.options import Options
from aerodag.photogrammetry.embedded.poses.alignment import Alignment
from aerodag.photogrammetry.embedded.poses.cameras import View

Array = NDArray[np.float64]

DEFAULT_CACHE_BYTES = 400_000_000


@dataclass(slots=True)
class Product:
    """What was made; lengths in metres, GSD in metres."""

    views: list[View]
    flying_height: float
    native_gsd: float
    gsd: float
    surface: Surface
    grid: Grid
    mean_overlap: float
    covered_area: float
    seams: SeamError
    surface_points: int
    decodes: int
    seconds: dict[str, float] = field(default_factory=dict)


class Stopwatch:
    """Wall seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Add the block's duration to ``stage``."""
        started = time.monotonic()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.monotonic() - started


def make_product(alignment: Alignment, options: Options, software: str, reporter: Reporter) -> Product:
    """Surface, choice of views, colours, orthophoto and DSM."""
    cv2.setNumThreads(1)  # the windows are the threads
    watch = Stopwatch()
    views = alignment.views()
    points, models = _ground_points(alignment, views)
    flying_height = _flying_height(views, points)
    native = float(np.median([flying_height / view.camera.focal for view in views]))
    gsd = max(native, (options.resolution_cm or 0.0) / 100.0)
    with watch.time("surface"):
        sparse = build_surface(points, models, flying_height, finest=STEP * gsd)
    with watch.time("dense"):
        surface = densify(
            views, sparse, flying_height, gsd, _made(options.work), options.threads, reporter.stage_progress("surface")
        )
        grid = Grid.over(surface.area.bounds, gsd)
    reporter.log("Rendering", width=grid.width, height=grid.height, gsd_cm=round(gsd * 100, 2))
    with watch.time("labels"):
        labels = choose_views(views, surface, grid, options.threads, reporter.stage_progress("labels"))
    with watch.time("colour"):
        gains = colour_gains(views, surface, grid, labels, options.threads, reporter.stage_progress("colour"))
    with watch.time("seam_cuts"):
        labels = cut_seams(
            views, surface, grid, labels, gains, flying_height, options.threads, reporter.stage_progress("seam_cuts")
        )
    cache = ImageCache(_cache_budget(options), gsd / native)
    mosaic = Mosaic(views, surface, grid, labels, gains, cache)
    folder = options.project
    with watch.time("render"):
        area = render(
            mosaic,
            alignment.priors.frame,
            _made(folder / "odm_orthophoto") / "odm_orthophoto.tif",
            software,
            options.threads,
            reporter.stage_progress("render"),
        )
    if area == 0.0:
        raise EngineError(
            "engine.empty_orthophoto",
            f"{len(views)} images are registered but none covers the reconstructed ground.",
            advice="Report this with the log: the reconstruction is geometrically wrong.",
            numbers={"registered": len(views)},
        )
    write_surface(surface, alignment.priors.frame, _made(folder / "odm_dem") / "dsm.tif", software)
    with watch.time("seam_check"):
        seams = measure_seams(mosaic)
    return Product(
        views=views,
        flying_height=flying_height,
        native_gsd=native,
        gsd=gsd,
        surface=surface,
        grid=grid,
        mean_overlap=labels.mean_overlap,
        covered_area=area,
        seams=seams,
        surface_points=len(points),
        decodes=cache.decodes,
        seconds=watch.seconds,
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _cache_budget(options: Options) -> int:
    if options.memory_limit_mb is None:
        return DEFAULT_CACHE_BYTES
    return min(DEFAULT_CACHE_BYTES, options.memory_limit_mb * 1_000_000 // 4)


def _ground_points(alignment: Alignment, views: list[View]) -> tuple[Array, NDArray[np.int64]]:
    """Tie points below the cameras and near one: a stray point would blow up the canvas."""
    points = alignment.result.points
    centres = np.array([view.centre for view in views])
    distance, nearest = cKDTree(centres[:, :2]).query(points[:, :2])
    drop = centres[nearest, 2] - points[:, 2]
    kept = (drop > 0.0) & (distance < MAX_OBLIQUENESS * np.median(drop))
    if int(kept.sum()) < 3:
        raise EngineError(
            "engine.empty_surface",
            f"Only {int(kept.sum())} of {len(points)} tie points lie below the cameras.",
            advice="Report this with the log: the reconstruction is geometrically wrong.",
            numbers={"points": len(points)},
        )
    return points[kept, :3], points[kept, 3].astype(np.int64)


def _flying_height(views: list[View], points: Array) -> float:
    """Median height of the cameras above the nearest tie points, metres."""
    centres = np.array([view.centre for view in views])
    _, near = cKDTree(points[:, :2]).query(centres[:, :2], k=min(25, len(points)))
    return float(np.median(centres[:, 2] - np.median(points[near, 2], axis=1)))
