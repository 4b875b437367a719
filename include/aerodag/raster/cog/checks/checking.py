"""All checks of a COG, run before it gets its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.io import DatasetReader

from aerodag.errors import EngineError
from aerodag.raster.cog.checks.grid import check_same_description, check_same_grid, check_web_mercator
from aerodag.raster.cog.checks.layout import check_layout
from aerodag.raster.cog.checks.levels import check_overviews
from aerodag.raster.cog.checks.pixels import compare_alpha, compare_ground, compare_window, result_points
from aerodag.raster.cog.checks.sampling import Sample, corners, draw_points, read_sample, windows_around
from aerodag.raster.cog.profiles import CogProfile

_DRAWN = 7
_LEVEL_SAMPLES = 4


@dataclass(frozen=True, slots=True)
class CogChecks:
    """Overview factors, how many windows and valid pixels were compared, and the worst window's mean error."""

    overviews: tuple[int, ...]
    samples: int
    pixels: int
    largest_mean_error: float


def check_cog(source: DatasetReader, path: Path, profile: CogProfile, seed: int) -> CogChecks:
    """Compare the COG at ``path`` with what it was made from.

    Checked are the layout to the last block, grid and CRS (for web mercator against the reprojected outline), what the
    raster says of its values, blocks of pixels and their masks, and every overview. The blocks are drawn by ``seed``,
    half of them where the source has content and half where the result has, besides those in the corners.

    Raises:
        EngineError: ``raster.cog_invalid``; its numbers hold the seed.
    """
    try:
        check_layout(path)
        with rasterio.open(path) as result:
            compare = _compare_native if profile.grid == "native" else _compare_reprojected
            samples, pixels, worst = compare(source, result, profile, np.random.default_rng(seed))
        overviews = check_overviews(path, _richest(samples), profile)
    except EngineError as error:
        error.numbers["seed"] = seed
        raise
    return CogChecks(overviews, len(samples), pixels, worst)


def _compare_native(
    source: DatasetReader, result: DatasetReader, profile: CogProfile, random: np.random.Generator
) -> tuple[list[Sample], int, float]:
    check_same_grid(source, result)
    if profile.lossless:
        check_same_description(source, result)
    points = [*corners(result), *draw_points(source, _DRAWN, random), *draw_points(result, _DRAWN, random)]
    samples, worst = [], 0.0
    for window in windows_around(result, points):
        sample = read_sample(source, window)
        worst = max(worst, compare_window(sample, read_sample(result, window), profile))
        compare_alpha(source, result, window)
        samples.append(sample)
    return samples, sum(int(sample.valid.sum()) for sample in samples), worst


def _compare_reprojected(
    source: DatasetReader, result: DatasetReader, profile: CogProfile, random: np.random.Generator
) -> tuple[list[Sample], int, float]:
    check_web_mercator(source, result, profile)
    drawn = result_points(source, result, draw_points(source, _DRAWN, random))
    points = [*corners(result), *drawn, *draw_points(result, _DRAWN, random)]
    samples, patches, worst = [], 0, 0.0
    for window in windows_around(result, points):
        sample = read_sample(result, window)
        error, compared = compare_ground(source, result, sample)
        worst, patches = max(worst, error), patches + compared
        samples.append(sample)
    return samples, patches * 64, worst


def _richest(samples: list[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda sample: int(sample.valid.sum()), reverse=True)[:_LEVEL_SAMPLES]
