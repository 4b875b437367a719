"""Small pictures of a raster, read once from an overview and never from the full pixels where there is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import structlog
from PIL import Image
from pyproj import CRS
from rasterio.io import DatasetReader, MemoryFile
from rasterio.shutil import copy

from aerodag.errors import ConfigError
from aerodag.raster.examining.classify import classify
from aerodag.raster.examining.edges import shown
from aerodag.raster.extent.describe import pixel_metres
from aerodag.raster.gdal import beside, decimated_shape, opened
from aerodag.raster.kinds import Content, CrsKind, Grid, Meaning, RasterKind
from aerodag.raster.picture.rendering import (
    Bytes,
    Sample,
    draw_colours,
    draw_heights,
    draw_ramp,
    stretch_range,
)

log = structlog.get_logger(__name__)

_FORMATS = {".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_QUALITY = 85
_OVERSAMPLED = 4
_READ_WHOLE = 2048
_DECODED_PIXELS = 1 << 28
_COARSEST = 16
_FEET = {"ft": 0.3048, "foot": 0.3048, "feet": 0.3048, "us survey foot": 1200 / 3937, "us-ft": 1200 / 3937}
_COLOURS = (Meaning.RED, Meaning.GREEN, Meaning.BLUE)
Shape = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """Size in pixels, bytes, and the share of the picture that is not transparent."""

    path: Path
    width: int
    height: int
    bytes: int
    valid_ratio: float


def make_thumbnails(
    source: Path, targets: Sequence[tuple[Path, int]], kind: RasterKind | None = None
) -> list[Thumbnail]:
    """Draw ``source`` for each (path, longer side in pixels), its shape kept, never enlarged, north up.

    The suffix decides the format: WEBP and PNG are transparent where the raster is, JPEG is white there. Colours are
    averaged by their opacity, so borders neither darken nor shine. Other types than uint8 are stretched (2-98 % of
    the valid pixels); measured bands are shown in true colour where red, green and blue are known, else the first
    three; heights are tinted and shaded, temperatures a colour ramp. ``kind`` saves finding out what the raster is.

    A raster without overviews is decoded once up to 268 megapixels; of a larger tiled one only as many blocks are,
    and the picture is coarse.

    Raises:
        ConfigError: ``raster.thumbnail_format``.
        DataError: ``raster.unreadable`` or ``raster.damaged``.
    """
    formats = [_format(path) for path, _ in targets]
    if not targets:
        return []
    with opened(source) as dataset:
        longest = max(size for _, size in targets)
        picture = _Picture(dataset, kind or kind_by_overview(dataset, longest), longest)
        shapes = [decimated_shape(dataset, size) for _, size in targets]
    drawn = {shape: picture.drawn(shape) for shape in set(shapes)}
    return [_save(drawn[shape], path, form) for (path, _), shape, form in zip(targets, shapes, formats, strict=True)]


def kind_by_overview(dataset: DatasetReader, longer_side: int) -> RasterKind:
    """What the raster is, by the overview that is drawn from where there is one.

    The search for an undeclared collar reads the margin of the full raster, which is most of a thumbnail's time.
    """
    shapes = _overview_shapes(dataset)
    enough = [level for level, shape in enumerate(shapes) if max(shape) >= longer_side]
    if not enough:
        return classify(dataset)
    with MemoryFile(ext=".vrt") as memory:
        with rasterio.open(dataset.name, overview_level=enough[-1]) as overview:
            copy(overview, memory.name, driver="VRT")
        with rasterio.open(memory.name, "r+") as virtual:
            # GDAL leaves these with the full raster.
            virtual.descriptions, virtual.units = dataset.descriptions, dataset.units
            for band in dataset.indexes:
                virtual.update_tags(band, **dataset.tags(band))
            return classify(virtual)


def _overview_shapes(dataset: DatasetReader) -> list[Shape]:
    shapes = []
    for level in range(len(dataset.overviews(1))):
        with rasterio.open(dataset.name, overview_level=level) as overview:
            shapes.append(overview.shape)
    return shapes


def _format(target: Path) -> str:
    kind = _FORMATS.get(target.suffix.lower())
    if kind is None:
        raise ConfigError(
            "raster.thumbnail_format",
            f"A thumbnail cannot be written as {target.suffix or 'a file without suffix'}.",
            advice="Use .webp, .png, .jpg or .jpeg.",
        )
    return kind


def _save(pixels: Bytes, target: Path, kind: str) -> Thumbnail:
    picture = Image.fromarray(pixels)
    if kind == "JPEG":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    with beside(target) as partial:
        picture.save(partial, kind, quality=_QUALITY)
        written = partial.stat().st_size
    ratio = float(np.count_nonzero(pixels[..., 3]) / pixels[..., 3].size)
    return Thumbnail(target, pixels.shape[1], pixels.shape[0], written, ratio)


class _Picture:
    """What was read of a raster, and how to draw it at any smaller size."""

    def __init__(self, dataset: DatasetReader, kind: RasterKind, longer_side: int) -> None:
        self._axes = _north_up(dataset)
        shape = _read_shape(dataset, longer_side)
        self._sample, self._draw = _prepared(dataset, kind, shape)

    def drawn(self, shape: Shape) -> Bytes:
        """RGBA of a shape (rows, columns) of the raster's own orientation, turned north up."""
        rows, columns = (min(wanted, read) for wanted, read in zip(shape, self._sample.opacity.shape, strict=True))
        transposed, down, right = self._axes
        sample = self._sample.shrunk(rows, columns)
        values = sample.values.swapaxes(1, 2) if transposed else sample.values
        opacity = sample.opacity.T if transposed else sample.opacity
        turned = Sample(values[:, ::down, ::right], opacity[::down, ::right])
        pixels = self._draw(turned)
        wanted = shape[::-1] if transposed else shape
        if pixels.shape[:2] == wanted:
            return pixels
        return np.asarray(Image.fromarray(pixels).resize(wanted[::-1], Image.Resampling.BICUBIC))


def _north_up(dataset: DatasetReader) -> tuple[bool, int, int]:
    """Are rows and columns to be swapped, and the steps (1 or -1) through rows and columns after that."""
    a, b, _, d, e, _ = tuple(dataset.transform)[:6]
    transposed = abs(b) > abs(a)
    if transposed:
        a, e = b, d
    return transposed, -1 if e > 0 else 1, -1 if a < 0 else 1


def _read_shape(dataset: DatasetReader, longer_side: int) -> Shape:
    """Shape of the smallest overview that suffices, or one between where the overviews leave a gap."""
    versions: list[Shape] = [dataset.shape, *_overview_shapes(dataset)]
    enough: Shape = min((shape for shape in versions if max(shape) >= longer_side), key=max, default=dataset.shape)
    side = max(_OVERSAMPLED * longer_side, _READ_WHOLE)
    if max(enough) <= side:
        return enough
    while side > _COARSEST and _decoded(dataset, enough, decimated_shape(dataset, side)) > _DECODED_PIXELS:
        side //= 2
    if side < longer_side:
        log.warning("no overview, the picture is coarse", raster=dataset.name, sampled=side)
    return decimated_shape(dataset, side)


def _decoded(dataset: DatasetReader, version: Shape, read: Shape) -> int:
    """Pixels of a version that have to be decoded to read it at a grid of points."""
    block: Shape = dataset.block_shapes[0]
    blocks = [min(-(-length // size), points) for length, size, points in zip(version, block, read, strict=True)]
    return blocks[0] * blocks[1] * block[0] * block[1]


def _prepared(dataset: DatasetReader, kind: RasterKind, shape: Shape) -> tuple[Sample, Callable[[Sample], Bytes]]:
    """The sample in source units, and the function that draws it or a smaller one."""
    opacity = shown(dataset, kind.edge_fill, shape).astype(np.float32) / np.float32(255)
    bands = drawn_bands(kind)
    raw = dataset.read(list(bands), out_shape=(len(bands), *shape))
    if kind.content is Content.PALETTE:
        table = _palette(dataset, bands[0])
        colours = table[raw[0]]
        sample = Sample(np.moveaxis(colours[..., :3], -1, 0), opacity * colours[..., 3] / np.float32(255))
        return sample, lambda smaller: draw_colours(smaller, ((0.0, 255.0),) * 3)
    values = np.nan_to_num(raw.astype(np.float32), copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    sample = Sample(values, opacity)
    if kind.content is Content.ELEVATION:
        return sample, _heights(dataset, kind, sample, bands[0])
    if raw.dtype == np.uint8:
        return sample, lambda smaller: draw_colours(smaller, ((0.0, 255.0),) * len(bands))
    ranges = tuple(stretch_range(band, opacity) for band in values)
    if bands == (kind.band(Meaning.THERMAL),):
        return sample, lambda smaller: draw_ramp(smaller, ranges[0])
    return sample, lambda smaller: draw_colours(smaller, ranges)


def drawn_bands(kind: RasterKind) -> tuple[int, ...]:
    """Bands (from 1) to draw: the three colours where all are known, else the first three; else the first alone."""
    colours = tuple(index for index in map(kind.band, _COLOURS) if index is not None)
    if len(colours) == 3:
        return colours
    others = tuple(band.index for band in kind.bands if band.meaning is not Meaning.ALPHA)
    return others[:3] if len(others) >= 3 else others[:1]


def _palette(dataset: DatasetReader, band: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    table = np.zeros((1 << 8 * np.dtype(dataset.dtypes[band - 1]).itemsize, 4), dtype=np.float32)
    for index, colour in dataset.colormap(band).items():
        table[index] = colour
    return table


def _heights(dataset: DatasetReader, kind: RasterKind, sample: Sample, band: int) -> Callable[[Sample], Bytes]:
    limits = stretch_range(sample.values[0], sample.opacity)
    # Without a place the shade can only be relative: a pixel is taken for a metre.
    placed = kind.grid is not Grid.NONE and kind.crs in {CrsKind.GEOGRAPHIC, CrsKind.PROJECTED}
    across, down = pixel_metres(dataset) if placed else (1.0, 1.0)
    width, height = across * dataset.width, down * dataset.height
    if _north_up(dataset)[0]:
        width, height = height, width
    z_factor = _metres_per_unit(dataset, band)

    def draw(smaller: Sample) -> Bytes:
        rows, columns = smaller.opacity.shape
        return draw_heights(smaller, limits, (width / columns, height / rows), z_factor)

    return draw


def _metres_per_unit(dataset: DatasetReader, band: int) -> float:
    """Of heights: by the band's unit, else by the vertical part of the CRS, else metres."""
    unit = (dataset.units[band - 1] or "").strip().lower()
    if unit or not dataset.crs:
        return _FEET.get(unit, 1.0)
    parts = CRS.from_wkt(dataset.crs.to_wkt()).sub_crs_list
    return next((part.axis_info[0].unit_conversion_factor for part in parts if part.is_vertical), 1.0)
