"""A raster into the levels of its COG: how its pixels are read, what each block holds, and which bytes it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.cog.profiles import CogProfile
from aerodag.raster.cog.writer.container import Spool, assemble
from aerodag.raster.cog.writer.encoding import Encoder, encode_mask, encoder_of, filled, padded
from aerodag.raster.cog.writer.header import header
from aerodag.raster.cog.writer.pyramid import Coded, Halve, Place, Pyramid
from aerodag.raster.cog.writer.reducing import Array, Tile, Valid, halve, pick
from aerodag.raster.gdal import alpha_band, blocks_absent, is_nodata, mask_band

_UNIT_BYTES = 64 << 20
_UNIT_ROWS = 4


def write_levels(dataset: DatasetReader, path: Path, profile: CogProfile, threads: int) -> None:
    """Write ``dataset`` at ``path`` as a COG on its own grid, reading it once.

    Two read units and the blocks whose neighbours are still to come are in memory; coded blocks wait in a file beside.
    """
    layout = _Layout.of(dataset, profile)
    spooled = path.with_name(f"{path.name}.blocks")
    encode = encoder_of(profile, dataset.dtypes[0])
    tags = header(dataset, profile, layout.bands, path.with_name("header.tif"))
    with spooled.open("w+b") as file, ThreadPoolExecutor(threads) as pool:
        spool = Spool(file)
        pyramid = Pyramid(
            (dataset.width, dataset.height),
            profile.block,
            spool,
            partial(_code, layout=layout, profile=profile, encode=encode),
            layout.halving,
            pool,
        )
        for window, pixels in _read_ahead(dataset, layout, profile.block):
            pyramid.add(_cuts(window, pixels, layout, profile.block))
        assemble(path, tags, pyramid.levels(masked=layout.masked), spool, profile.block)
    spooled.unlink()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which bands go into the COG, and what in the source says that a pixel is valid.

    ``alpha`` is an index (from 0) into the bands that are kept, ``mask_of`` the band (from 1) of the source whose
    values above 0 become the mask. ``nodata`` is of each band.
    """

    bands: int
    alpha: int | None
    mask_of: int | None
    masked: bool
    internal: bool
    nodata: tuple[float | None, ...]
    classes: bool

    @classmethod
    def of(cls, dataset: DatasetReader, profile: CogProfile) -> _Layout:
        alpha = alpha_band(dataset)
        moved = profile.compress == "JPEG" and alpha is not None
        internal = mask_band(dataset)
        return cls(
            bands=dataset.count - 1 if moved else dataset.count,
            alpha=None if alpha is None or moved else alpha - 1,
            mask_of=alpha if moved else None,
            masked=moved or internal,
            internal=internal,
            nodata=dataset.nodatavals,
            classes=ColorInterp.palette in dataset.colorinterp,
        )

    @property
    def fill(self) -> float:
        """What a reader sees where a block is absent."""
        return self.nodata[0] if self.nodata[0] is not None else 0.0

    @property
    def halving(self) -> Halve:
        if self.classes:
            return pick
        return partial(halve, nodata=self.nodata[0])


@dataclass(frozen=True, slots=True)
class _Pixels:
    """What the source has of one read unit.

    ``blocks`` (row, column) of the COG are those under which it has any; ``top`` and ``left`` is where the pixels
    begin: (bands, rows, columns) as the COG gets them, and the mask (rows, columns) where there is one.
    """

    blocks: frozenset[Place]
    top: int
    left: int
    values: Array
    mask: Array | None


def _read_ahead(dataset: DatasetReader, layout: _Layout, block: int) -> Iterator[tuple[Window, _Pixels | None]]:
    """Windows and their pixels, the next of them read meanwhile; None where the source has no block."""
    with ThreadPoolExecutor(1) as reader:
        ahead: Future[_Pixels | None] | None = None
        before: Window | None = None
        for window in _units(dataset, block):
            following = reader.submit(_read, dataset, layout, window, block)
            if ahead is not None and before is not None:
                yield before, ahead.result()
            ahead, before = following, window
        if ahead is not None and before is not None:
            yield before, ahead.result()


def _units(dataset: DatasetReader, block: int) -> Iterator[Window]:
    """Some rows of blocks by as many columns as memory allows; of strips one row over the full width, read once."""
    pixel = sum(np.dtype(kind).itemsize for kind in _numpy_types(dataset))
    striped = dataset.block_shapes[0][1] >= dataset.width
    rows = block if striped else block * _UNIT_ROWS
    columns = dataset.width if striped else max(1, _UNIT_BYTES // (rows * pixel * block)) * block
    for row in range(0, dataset.height, rows):
        for column in range(0, dataset.width, columns):
            yield Window(column, row, min(columns, dataset.width - column), min(rows, dataset.height - row))


def _numpy_types(dataset: DatasetReader) -> list[str]:
    return [{"complex_int16": "complex64"}.get(kind, kind) for kind in dataset.dtypes]


def _read(dataset: DatasetReader, layout: _Layout, unit: Window, block: int) -> _Pixels | None:
    """Only around the blocks that are there: most of a sparse raster is neither read nor looked at."""
    places = [place for place in _places(unit, block) if not blocks_absent(dataset, _window(dataset, place, block))]
    if not places:
        return None
    rows, columns = zip(*places, strict=True)
    top, left = min(rows) * block, min(columns) * block
    bottom, right = min((max(rows) + 1) * block, dataset.height), min((max(columns) + 1) * block, dataset.width)
    window = Window(left, top, right - left, bottom - top)
    values = dataset.read(window=window)
    mask = dataset.read_masks(1, window=window) if layout.internal else None
    if layout.mask_of is not None:
        mask = values[layout.mask_of - 1]
        values = values[[index for index in range(dataset.count) if index + 1 != layout.mask_of]]
    return _Pixels(frozenset(places), top, left, values, mask)


def _places(unit: Window, block: int) -> Iterator[Place]:
    """Blocks of a read unit, row by row."""
    for top in range(int(unit.row_off), int(unit.row_off + unit.height), block):
        for left in range(int(unit.col_off), int(unit.col_off + unit.width), block):
            yield top // block, left // block


def _window(dataset: DatasetReader, place: Place, block: int) -> Window:
    top, left = place[0] * block, place[1] * block
    return Window(left, top, min(block, dataset.width - left), min(block, dataset.height - top))


def _cuts(
    unit: Window, pixels: _Pixels | None, layout: _Layout, block: int
) -> Iterator[tuple[Place, Callable[[], Tile | None]]]:
    """The blocks of a read unit, each still to be cut out."""
    for place in _places(unit, block):
        yield place, partial(_cut, pixels, place, layout, block)


def _cut(pixels: _Pixels | None, place: Place, layout: _Layout, block: int) -> Tile | None:
    if pixels is None or place not in pixels.blocks:
        return None
    top, left = place[0] * block - pixels.top, place[1] * block - pixels.left
    rows, columns = slice(top, top + block), slice(left, left + block)
    values = np.ascontiguousarray(np.moveaxis(pixels.values[:, rows, columns], 0, -1))
    return Tile(values, _valid(values, None if pixels.mask is None else pixels.mask[rows, columns], layout))


def _valid(values: Array, mask: Array | None, layout: _Layout) -> Valid:
    """What is valid in a block, by mask, alpha, or band by band by the nodata value; None where all is."""
    if mask is not None:
        seen = mask > 0
    elif layout.alpha is not None:
        seen = values[..., layout.alpha] > 0
    else:
        parts = [is_nodata(values[..., band], nodata) for band, nodata in enumerate(layout.nodata)]
        if all(part is None or not part.any() for part in parts):
            return None
        none = np.zeros(values.shape[:2], dtype=bool)
        seen = ~np.stack([none if part is None else part for part in parts], axis=-1)
    return None if seen.all() else seen


def _code(tile: Tile, layout: _Layout, profile: CogProfile, encode: Encoder) -> Coded:
    """Image and mask of a block; no bytes where a reader sees the same without them."""
    mask = None
    if layout.masked and not tile.empty:
        seen = np.ones(tile.values.shape[:2], dtype=bool) if tile.valid is None else tile.valid
        mask = encode_mask(padded(seen, profile.block, repeat=False))
    if not profile.lossless:
        if tile.empty:
            return None, None
        return encode(padded(_shown(tile, layout), profile.block, repeat=True)), mask
    if tile.valid is not None and _is_fill(tile.values, layout.fill):
        return None, mask
    return encode(padded(tile.values, profile.block, repeat=False)), mask


def _shown(tile: Tile, layout: _Layout) -> Array:
    """For lossy codecs; alpha, which WEBP keeps without loss, stays as it is."""
    pixels = filled(tile)
    if layout.alpha is not None:
        pixels[..., layout.alpha] = tile.values[..., layout.alpha]
    return pixels


def _is_fill(values: Array, fill: float) -> bool:
    if np.isnan(fill):
        return bool(np.isnan(values).all())
    return bool((values == fill).all())
