"""All vegetation indices that a raster allows, in one pass over its pixels."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from pyproj import Geod, Transformer
from rasterio.io import DatasetReader

from aerodag.raster.cog import ARCHIVE, make_cog
from aerodag.raster.examining.classify import classify
from aerodag.raster.gdal import CACHE_MB, opened, require_georeference, scratch
from aerodag.raster.indices.calibration import Calibration, calibration_of, unavailable
from aerodag.raster.indices.layer import Layer
from aerodag.raster.indices.preview import draw
from aerodag.raster.indices.reading import Pixels, Reading
from aerodag.raster.indices.statistics import ClassArea, Statistics
from aerodag.raster.indices.stress import Bins, StressCell, stress_grid
from aerodag.raster.indices.table import Index, Numbers, select
from aerodag.raster.kinds import RasterKind

log = structlog.get_logger(__name__)

_PATCH = 100
_LOST = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexResult:
    """One index of a raster.

    Where it could not be computed, ``reason`` says why and there is nothing else. ``note`` is a caveat. ``path`` is a
    float32 COG (NaN: no value), ``preview`` its picture. ``healthy`` is what the stress is measured against (None:
    nothing to compare with, so no severities).
    """

    name: str
    title: str
    formula: str
    reason: str | None = None
    note: str | None = None
    path: Path | None = None
    preview: Path | None = None
    statistics: Statistics | None = None
    classes: tuple[ClassArea, ...] = ()
    healthy: float | None = None
    cells: tuple[StressCell, ...] = ()


@dataclass(frozen=True, slots=True)
class IndicesResult:
    """Every index that was asked for, in the table's order or the caller's, and what the raster's numbers are."""

    numbers: Numbers
    basis: str
    results: tuple[IndexResult, ...]
    seconds: float


def compute(source: Path, folder: Path, wanted: Sequence[str] | None = None, cache_mb: int = CACHE_MB) -> IndicesResult:
    """Compute the indices ``wanted`` (all for None) of ``source`` into ``folder`` as ``<name>.tif`` and ``.webp``.

    The rasters have the source's grid and CRS. Memory does not grow with the raster. Files get their names when all of
    them are whole; until then, those of an earlier run stay as they are.

    Raises:
        ConfigError: ``raster.unknown_index``.
        DataError: ``raster.unreadable``, ``raster.damaged``, ``raster.no_crs`` or ``raster.no_transform``.
        EngineError: ``raster.cog_failed`` or ``raster.cog_invalid``.
        InfrastructureError: ``raster.disk_full`` or ``raster.incomplete``.
    """
    started = time.monotonic()
    chosen = select(wanted)
    with opened(source, cache_mb) as dataset:
        require_georeference(dataset)
        kind = classify(dataset)
        calibration = calibration_of(dataset, kind)
        reasons = {index.name: unavailable(index, kind, calibration) for index in chosen}
        possible = [index for index in chosen if reasons[index.name] is None]
        with scratch(folder / "indices") as work:
            found = _computed(dataset, kind, calibration, possible, work)
            ready = [file for layer in found.layers for file in _finished(layer, work / "ready", cache_mb)]
            for file in ready:
                file.replace(folder / file.name)
        results = tuple(_result(dataset, calibration, index, reasons[index.name], found, folder) for index in chosen)
    seconds = time.monotonic() - started
    names = [result.name for result in results if result.reason is None]
    log.info("vegetation indices computed", indices=names, numbers=calibration.numbers, seconds=round(seconds, 2))
    return IndicesResult(calibration.numbers, calibration.basis, results, seconds)


@dataclass(frozen=True, slots=True)
class _Found:
    layers: tuple[Layer, ...]
    footprint: Bins


def _computed(
    dataset: DatasetReader, kind: RasterKind, calibration: Calibration, indices: Sequence[Index], work: Path
) -> _Found:
    """The one pass: the next window is read while the indices of the last are computed and written."""
    meanings = sorted({band for index in indices for band in index.bands})
    with ExitStack() as stack:
        layers = tuple(stack.enter_context(Layer(index, dataset, work / f"{index.name}.tif")) for index in indices)
        for layer in layers:
            layer.describe(**_tags(layer.index, kind, calibration))
        if not layers:
            return _Found((), Bins(dataset.width, dataset.height))
        reading = Reading(dataset, kind, calibration, meanings)
        workers = stack.enter_context(ThreadPoolExecutor(min(len(layers), os.cpu_count() or 1)))
        for pixels in _ahead(reading):
            for done in [workers.submit(layer.take, pixels) for layer in layers]:
                done.result()
    return _Found(layers, reading.footprint)


def _ahead(reading: Reading) -> Iterator[Pixels]:
    """Windows with valid pixels; while one is used, a thread of its own reads the next."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(reading.read, reading.windows[0])
        for window in (*reading.windows[1:], None):
            pixels = coming.result()
            if window is not None:
                coming = reader.submit(reading.read, window)
            if pixels is not None:
                yield pixels


def _tags(index: Index, kind: RasterKind, calibration: Calibration) -> dict[str, str]:
    return {
        "TIFFTAG_IMAGEDESCRIPTION": f"{index.title}: {index.formula}",
        "INDEX": index.name.upper(),
        "FORMULA": index.formula,
        "BANDS": ", ".join(f"{meaning} = band {kind.band(meaning)}" for meaning in index.bands),
        "SOURCE": index.source,
        "VALID_RANGE": f"{index.valid[0]:g} to {index.valid[1]:g}",
        "NUMBERS": f"{calibration.numbers}: {calibration.basis}",
    }


def _finished(layer: Layer, ready: Path, cache_mb: int) -> tuple[Path, ...]:
    """From the half-done raster to the COG and its picture; nothing if it has no value."""
    made: tuple[Path, ...] = ()
    if layer.tally.count:
        target, picture = (ready / f"{layer.index.name}{suffix}" for suffix in (".tif", ".webp"))
        make_cog(layer.path, target, ARCHIVE, cache_mb)
        layer.check(target)
        draw(target, picture, layer.index.shown)
        made = target, picture
    layer.path.unlink()
    return made


def _result(
    dataset: DatasetReader, calibration: Calibration, index: Index, reason: str | None, found: _Found, folder: Path
) -> IndexResult:
    said = partial(IndexResult, name=index.name, title=index.title, formula=index.formula)
    if reason is not None:
        return said(reason=reason)
    layer = next(layer for layer in found.layers if layer.index is index)
    statistics = layer.tally.statistics()
    valid = int(found.footprint.counts.sum())
    if statistics is None:
        return said(reason="no valid pixel has a value" if valid else "the raster holds no valid pixel")
    healthy, cells = stress_grid(dataset, index, calibration.numbers, found.footprint, layer.bins)
    path = folder / f"{index.name}.tif"
    return said(
        note=_note(calibration, statistics, valid, healthy),
        path=path,
        preview=path.with_suffix(".webp"),
        statistics=statistics,
        classes=layer.tally.classes(_pixel_area(dataset)),
        healthy=healthy,
        cells=cells,
    )


def _note(calibration: Calibration, statistics: Statistics, valid: int, healthy: float | None) -> str | None:
    notes = []
    if calibration.numbers is not Numbers.REFLECTANCE:
        notes.append(f"uncalibrated ({calibration.basis}): compare it within this raster, not between flights")
    if (lost := 1 - statistics.count / valid) > _LOST:
        notes.append(f"{lost:.1%} of the valid pixels have no value (dark, or beyond the index's range)")
    if healthy is None:
        notes.append("no vegetation stands out, so there is no stress to tell")
    return "; ".join(notes) or None


def _pixel_area(dataset: DatasetReader) -> float:
    """Square metres of a pixel on the ellipsoid: of a patch of 100 x 100 at the centre, true in every CRS."""
    column, row = dataset.width / 2 - _PATCH / 2, dataset.height / 2 - _PATCH / 2
    corners = [(column + x, row + y) for x, y in ((0, 0), (0, _PATCH), (_PATCH, _PATCH), (_PATCH, 0))]
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), "EPSG:4326", always_xy=True)
    places = [to_degrees.transform(*(dataset.transform @ corner)) for corner in corners]
    longitudes, latitudes = zip(*places, strict=True)
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(longitudes, latitudes)
    return abs(area) / _PATCH**2
