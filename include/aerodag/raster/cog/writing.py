"""Writing a COG, beside its final name until it is checked."""

from __future__ import annotations

import os
import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path

import rasterio
import structlog
from rasterio.io import DatasetReader
from rasterio.shutil import copy as gdal_copy

from aerodag.errors import DataError, EngineError
from aerodag.raster.cog.checks.checking import check_cog
from aerodag.raster.cog.profiles import ARCHIVE, CogProfile
from aerodag.raster.cog.writer.passing import write_levels
from aerodag.raster.cog.writer.pyramid import level_sizes
from aerodag.raster.gdal import CACHE_MB, GDAL_ERRORS, alpha_band, beside, opened, require_georeference

log = structlog.get_logger(__name__)

_RIO_COGEO_SMALL = 512


@dataclass(frozen=True, slots=True)
class CogReport:
    """What was written and how it was checked.

    ``seconds`` includes ``check_seconds``. ``seed`` draws the same samples again; ``largest_mean_error`` is that of the
    worst sample in units of the values (0 where lossless).
    """

    path: Path
    profile: str
    bytes: int
    seconds: float
    check_seconds: float
    overviews: tuple[int, ...]
    seed: int
    samples_compared: int
    pixels_compared: int
    largest_mean_error: float


def make_cog(
    source: Path,
    target: Path,
    profile: CogProfile = ARCHIVE,
    cache_mb: int = CACHE_MB,
    threads: int | None = None,
    seed: int | None = None,
) -> CogReport:
    """Write ``source`` as a COG, check it (see ``check_cog``), and only then give it its name.

    The grid and the CRS stay the source's unless the profile names another grid. Peak memory is the cache and a
    constant; GDAL's temporary files, the overviews, lie beside the target. ``threads`` are all
    cores when not given; ``seed`` draws the samples, a new one each time when not given.

    Raises:
        DataError: ``raster.unreadable``, ``raster.no_crs``, ``raster.no_transform`` or ``raster.not_rgb`` (a lossy
            profile of anything but uint8 RGB with alpha or mask).
        EngineError: ``raster.cog_failed`` (GDAL gave up) or ``raster.cog_invalid`` (a check failed).
        InfrastructureError: ``raster.disk_full``.
    """
    started = time.monotonic()
    seed = secrets.randbits(32) if seed is None else seed
    with opened(source, cache_mb) as dataset, beside(target) as partial:
        require_georeference(dataset)
        _require_rgb(dataset, profile)
        profile = _fitted(dataset, profile)
        _write(dataset, partial, profile, threads)
        written = time.monotonic()
        checks = check_cog(dataset, partial, profile, seed)
        size = partial.stat().st_size
    ended = time.monotonic()
    log.info("COG written", output=str(target), profile=profile.name, bytes=size, seconds=round(ended - started, 2))
    return CogReport(
        path=target,
        profile=profile.name,
        bytes=size,
        seconds=ended - started,
        check_seconds=ended - written,
        overviews=checks.overviews,
        seed=seed,
        samples_compared=checks.samples,
        pixels_compared=checks.pixels,
        largest_mean_error=checks.largest_mean_error,
    )


def _require_rgb(dataset: DatasetReader, profile: CogProfile) -> None:
    if profile.lossless:
        return
    alpha = alpha_band(dataset)
    colours = dataset.count - (1 if alpha else 0)
    if colours != 3 or alpha not in {None, 4} or any(kind != "uint8" for kind in dataset.dtypes):
        what = f"{colours} of {dataset.dtypes[0]}" if alpha in {None, 4} else f"alpha as band {alpha}"
        raise _not_rgb(profile, f"three bands of uint8, alpha behind them; this raster has {what}")
    if dataset.nodata is not None:
        raise _not_rgb(profile, f"alpha or a mask; this raster marks invalid pixels by the value {dataset.nodata:g}")


def _not_rgb(profile: CogProfile, what: str) -> DataError:
    return DataError(
        "raster.not_rgb",
        f"Profile {profile.name} takes {what}.",
        advice="Standardise the raster first, or use a lossless profile.",
    )


def _fitted(dataset: DatasetReader, profile: CogProfile) -> CogProfile:
    """The profile with other blocks where a level would be exactly one block wide: rio-cogeo takes that for strips."""

    def misread(block: int) -> bool:
        sizes = level_sizes((dataset.width, dataset.height), block)
        return any(width == block and max(width, height) > _RIO_COGEO_SMALL for width, height in sizes)

    choices = (profile.block, profile.block // 2, 2 * profile.block)
    return replace(profile, block=next((block for block in choices if not misread(block)), profile.block))


def _write(dataset: DatasetReader, path: Path, profile: CogProfile, threads: int | None) -> None:
    """On its own grid by one pass of ours; onto another one by GDAL's driver, which reprojects."""
    try:
        if profile.grid == "native":
            write_levels(dataset, path, profile, threads or os.cpu_count() or 1)
        else:
            _reproject(dataset, path, profile, threads)
    except GDAL_ERRORS as error:
        raise EngineError(
            "raster.cog_failed",
            f"The COG of {Path(dataset.name).name} could not be written: {error}.",
            advice="Look for free disk space; if there is enough, the source raster is damaged.",
        ) from error


def _reproject(dataset: DatasetReader, path: Path, profile: CogProfile, threads: int | None) -> None:
    cores = "ALL_CPUS" if threads is None else str(threads)
    with rasterio.Env(GDAL_NUM_THREADS=cores, CPL_TMPDIR=str(path.parent), ZSTD_LEVEL_OVERVIEW="1"):
        gdal_copy(dataset.name, path, driver="COG", NUM_THREADS=cores, **profile.options())
