"""Any orthophoto to the one form the later steps expect: uint8 RGB with alpha or mask, tiled, lossless, north up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import structlog
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from aerodag.errors import EngineError
from aerodag.raster.examining.bands import bands_of
from aerodag.raster.examining.classify import examine
from aerodag.raster.gdal import CACHE_MB, beside, has_mask, opened, value_bands
from aerodag.raster.kinds import Content, Grid, Meaning, RasterKind
from aerodag.raster.standard.output import COLOURS
from aerodag.raster.standard.rewriting import View, rewrite
from aerodag.raster.standard.stretch import Bytes, Ranges, percentile_ranges, to_bytes

__all__ = [
    "Standardised",
    "colour_bands",
    "colour_table",
    "deviations",
    "palette_of",
    "percentile_ranges",
    "standardise",
    "to_bytes",
]

log = structlog.get_logger(__name__)

_LOSSLESS = frozenset({"deflate", "zstd", "lzw", "packbits", "lzma"})
_SIDECARS = frozenset({".msk", ".tfw", ".tifw", ".tiffw", ".wld", ".xml", ".tab", ".prj"})


@dataclass(frozen=True, slots=True)
class Standardised:
    """Where the standard raster is, what the source shows, why it was rewritten (nothing: it is the source), and how.

    ``bands`` are the source bands taken as red, green and blue; ``stretch`` the (2nd, 98th percentile) of each in
    source units where values were scaled to 0..255.
    """

    path: Path
    content: Content
    reasons: tuple[str, ...]
    bands: tuple[int, int, int]
    stretch: Ranges | None = None


def standardise(source: Path, target: Path, cache_mb: int = CACHE_MB) -> Standardised:
    """Bring ``source`` into standard form at ``target``; a raster already in it is returned untouched.

    The CRS stays as it is, and the grid too unless it is turned: one that lies south up is flipped exactly, a rotated
    one resampled. Validity is taken from the source's own values, before any scaling, and becomes alpha; a nodata value
    is dropped. Memory does not grow with the raster.

    Raises:
        DataError: see ``classify.inspect``.
        EngineError: ``raster.crs_changed``, if a GeoTIFF cannot hold the CRS of the source.
        InfrastructureError: ``raster.write_failed``, ``raster.disk_full`` or ``raster.target_unwritable``.
    """
    with opened(source, cache_mb) as dataset:
        kind = examine(dataset)
        bands = colour_bands(dataset)
        reasons = deviations(dataset, kind)
        if not reasons:
            return Standardised(source, kind.content, (), bands)
        palette = colour_table(dataset)
        scaled = palette is None and not _is_bytes(dataset)
        stretch = percentile_ranges(dataset, bands, kind.edge_fill) if scaled else None
        with beside(target) as partial:
            rewrite(dataset, partial, View(kind, bands, stretch, palette), cache_mb)
            _require_same_crs(dataset, partial)
    log.info("raster standardised", source=str(source), output=str(target), reasons=reasons)
    return Standardised(target, kind.content, reasons, bands, stretch)


def deviations(dataset: DatasetReader, kind: RasterKind) -> tuple[str, ...]:
    """What keeps a raster from being standard, as machine codes; empty when nothing does."""
    rows, columns = dataset.block_shapes[0]
    codec = dataset.compression.value.lower() if dataset.compression else "none"
    lossless = dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION_REVERSIBILITY") == "LOSSLESS"
    found = {
        "dtype": not _is_bytes(dataset),
        "bands": value_bands(dataset) != [1, 2, 3] or tuple(dataset.colorinterp[:3]) != COLOURS,
        "nodata": dataset.nodata is not None,
        "no_mask": not has_mask(dataset),
        "edge_fill": kind.edge_fill is not None,
        "south_up": kind.grid is Grid.SOUTH_UP,
        "rotated": kind.grid is Grid.ROTATED,
        "not_tiled": rows != columns or rows % 16 != 0,
        "compression": codec not in _LOSSLESS and not lossless,
        "sidecar": any(Path(name).suffix.lower() in _SIDECARS for name in dataset.files[1:]),
        "format": dataset.driver != "GTiff",
    }
    return tuple(code for code, wrong in found.items() if wrong)


def colour_bands(dataset: DatasetReader) -> tuple[int, int, int]:
    """Bands (from 1) to show as red, green and blue: those that hold them, else the first ones; grey thrice."""
    found = {band.meaning: band.index for band in reversed(bands_of(dataset))}
    if {Meaning.RED, Meaning.GREEN, Meaning.BLUE} <= found.keys():
        return found[Meaning.RED], found[Meaning.GREEN], found[Meaning.BLUE]
    others = value_bands(dataset)
    if len(others) < 3:
        return others[0], others[0], others[0]
    return others[0], others[1], others[2]


def palette_of(dataset: DatasetReader) -> Bytes | None:
    """RGB (numbers, 3) of a paletted raster, None of any other."""
    table = colour_table(dataset)
    return None if table is None else table[:, :3]


def colour_table(dataset: DatasetReader) -> Bytes | None:
    """RGBA (numbers, 4) of a paletted raster, None of any other; a number without a colour is transparent."""
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return None
    table = np.zeros((np.iinfo(dataset.dtypes[0]).max + 1, 4), dtype=np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour
    return table


def _require_same_crs(dataset: DatasetReader, path: Path) -> None:
    with rasterio.open(path) as written:
        if written.crs == dataset.crs:
            return
        raise EngineError(
            "raster.crs_changed",
            f"The CRS of {Path(dataset.name).name} did not survive being written: {dataset.crs} became {written.crs}.",
            advice="Export the raster in a CRS that has an EPSG code.",
        )


def _is_bytes(dataset: DatasetReader) -> bool:
    return all(kind == "uint8" for kind in dataset.dtypes)
