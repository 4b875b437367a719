"""One classifier decides what a raster is; everything else in the house asks it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader

from aerodag.errors import DataError
from aerodag.raster.examining.bands import bands_of
from aerodag.raster.examining.edges import Array, edge_fill, tolerance_of, without_collar
from aerodag.raster.gdal import (
    CACHE_MB,
    Mask,
    alpha_band,
    blocks_absent,
    decimated_shape,
    mask_band,
    nodata_values,
    opened,
    require_georeference,
    sample,
    validity,
    value_bands,
)
from aerodag.raster.kinds import Band, Content, CrsKind, Grid, Invalid, Meaning, RasterKind

_SIDE = 1024
_COLOURS = {Meaning.RED, Meaning.GREEN, Meaning.BLUE}
_GREY_TYPES = ("uint8", "uint16")
_METRES = frozenset({"m", "metre", "metres", "meter", "meters", "ft", "foot", "feet", "us survey foot"})
_NO_HEIGHT = -9999.0
_PIXEL_TOLERANCE = 1e-3
# Printing inks, hues and luma: their numbers are not amounts of light.
_NO_LIGHT = frozenset(kind for kind in ColorInterp if ColorInterp.alpha.value < kind.value < ColorInterp.pan.value)
_BIGTIFF = (b"II\x2b\x00", b"MM\x00\x2b")


def inspect(path: Path, cache_mb: int = CACHE_MB) -> RasterKind:
    """Open a raster, refuse what cannot become a map, and classify the rest.

    Raises:
        DataError: ``raster.unreadable``, ``raster.damaged``, ``raster.no_crs``, ``raster.local_crs``,
            ``raster.no_transform``, ``raster.gcps_only``, ``raster.unsupported`` or ``raster.empty``.
    """
    with opened(path, cache_mb) as dataset:
        return examine(dataset)


def examine(dataset: DatasetReader) -> RasterKind:
    """``inspect`` of a dataset that is open already."""
    require_georeference(dataset)
    _require_numbers(dataset)
    look = _look(dataset)
    kind = _kind(dataset, look)
    _require_content(dataset, look)
    return kind


def classify(dataset: DatasetReader) -> RasterKind:
    """What the raster is, by its header, one read decimated to 1024 pixels a side, and its margin.

    Nothing is refused and nothing guessed: what is not said stays unknown. Three bands or more without a meaning count
    as multispectral, though nobody says what each of them holds.
    """
    return _kind(dataset, _look(dataset))


@dataclass(frozen=True, slots=True)
class _Look:
    """The decimated read: values of the bands but alpha, validity, and the fill of the margin."""

    values: Array
    valid: Mask
    fill: tuple[float, ...] | None


def _look(dataset: DatasetReader) -> _Look:
    values, valid = sample(dataset, decimated_shape(dataset, _SIDE))
    return _Look(values, valid, edge_fill(dataset, values, valid) if len(values) else None)


def _kind(dataset: DatasetReader, look: _Look) -> RasterKind:
    fill = look.fill
    declared = next((value for value in nodata_values(dataset) if value is not None), None)
    nodata = declared if fill is None else fill[0]
    described = bands_of(dataset)
    content = _content(dataset, described, look.values, nodata)
    return RasterKind(
        content=content,
        bands=_completed(described, content),
        invalid=_invalid(dataset, look.values, declared, fill),
        nodata=nodata,
        edge_fill=fill,
        crs=crs_kind(dataset),
        vertical=vertical_name(dataset),
        grid=grid_of(dataset),
        bigtiff=_is_bigtiff(dataset),
    )


def _require_content(dataset: DatasetReader, look: _Look) -> None:
    """Refuse a raster without one valid pixel; looked at pixel by pixel only where the decimated read shows none."""
    if without_collar(look.values, look.valid, look.fill, tolerance_of(dataset)).any():
        return
    if look.fill is None and look.valid.shape != dataset.shape:
        masked = mask_band(dataset)
        windows = (window for _, window in dataset.block_windows(1))
        present = (window for window in windows if masked or not blocks_absent(dataset, window))
        if any(validity(dataset, window).any() for window in present):
            return
    raise DataError(
        "raster.empty",
        f"{Path(dataset.name).name} holds no valid pixel.",
        advice="Look at the raster: its nodata value, mask or alpha band hides everything, or it is one flat fill.",
    )


def crs_kind(dataset: DatasetReader) -> CrsKind:
    """Kind of the CRS; of a compound one, that of its horizontal part."""
    crs = _crs(dataset)
    if crs is None:
        return CrsKind.NONE
    kinds = {
        CrsKind.PROJECTED: crs.is_projected,
        CrsKind.GEOGRAPHIC: crs.is_geographic,
        CrsKind.GEOCENTRIC: crs.is_geocentric,
        CrsKind.VERTICAL: crs.is_vertical,
    }
    return next((kind for kind, holds in kinds.items() if holds), CrsKind.ENGINEERING)


def vertical_name(dataset: DatasetReader) -> str | None:
    """Name of the vertical part of a compound CRS (``EGM96 height``), None where none is given."""
    crs = _crs(dataset)
    if crs is None or not crs.is_compound:
        return None
    return next((part.name for part in crs.sub_crs_list if part.is_vertical), None)


def grid_of(dataset: DatasetReader) -> Grid:
    """How the pixels lie; a rotation of less than a thousandth of a pixel over the whole raster is none."""
    transform = dataset.transform
    if transform.is_identity or transform.is_degenerate:
        return Grid.NONE
    skew_x = abs(transform.b) * dataset.height / abs(transform.a or 1e-300)
    skew_y = abs(transform.d) * dataset.width / abs(transform.e or 1e-300)
    if max(skew_x, skew_y) > _PIXEL_TOLERANCE or transform.a < 0:
        return Grid.ROTATED
    return Grid.NORTH_UP if transform.e < 0 else Grid.SOUTH_UP


def _content(dataset: DatasetReader, bands: tuple[Band, ...], values: Array, nodata: float | None) -> Content:
    used = [band for band in bands if band.meaning is not Meaning.ALPHA]
    meanings = {band.meaning for band in used}
    if len(used) == 1:
        return _content_of_one(dataset, used[0], values, nodata)
    if np.iscomplexobj(values) or not used:
        return Content.UNKNOWN
    if meanings == _COLOURS and len(used) == 3:
        return Content.RGB
    return Content.MULTISPECTRAL if len(used) > 2 or meanings != {Meaning.UNKNOWN} else Content.UNKNOWN


def _content_of_one(dataset: DatasetReader, band: Band, values: Array, nodata: float | None) -> Content:
    declared = {
        Meaning.PALETTE: Content.PALETTE,
        Meaning.ELEVATION: Content.ELEVATION,
        Meaning.GREY: Content.GREY,
    }.get(band.meaning)
    if declared is not None:
        return declared
    if band.meaning is not Meaning.UNKNOWN:
        return Content.MULTISPECTRAL
    if _is_height(dataset, band, values, nodata):
        return Content.ELEVATION
    grey = band.dtype in _GREY_TYPES and dataset.colorinterp[band.index - 1] is ColorInterp.gray
    return Content.GREY if grey and not _unit(dataset, band) else Content.UNKNOWN


def _is_height(dataset: DatasetReader, band: Band, values: Array, nodata: float | None) -> bool:
    """Floats without a name that go beyond -1..1 (an index or a reflectance does not), or integers that say so."""
    unit = _unit(dataset, band)
    if unit:
        return unit in _METRES and band.dtype != "uint8"
    if band.dtype in ("int16", "int32"):
        return nodata is not None and nodata <= _NO_HEIGHT
    if not band.dtype.startswith("float") or band.description:
        return False
    numbers = values[np.isfinite(values)]
    numbers = numbers[numbers != nodata] if nodata is not None else numbers
    return bool(numbers.size) and bool(np.abs(numbers).max() > 1)


def _unit(dataset: DatasetReader, band: Band) -> str:
    """Unit of the values; in a compound CRS GDAL puts that of the vertical axis there, whatever the band holds."""
    if vertical_name(dataset) is not None:
        return ""
    return (dataset.units[band.index - 1] or "").strip().lower()


def _completed(bands: tuple[Band, ...], content: Content) -> tuple[Band, ...]:
    """The one band of a grey or height raster is called so."""
    whole = {Content.GREY: Meaning.GREY, Content.ELEVATION: Meaning.ELEVATION}.get(content)
    if whole is None:
        return bands
    return tuple(
        band
        if band.meaning is not Meaning.UNKNOWN
        else Band(band.index, whole, band.dtype, band.description, band.wavelength_nm)
        for band in bands
    )


def _invalid(
    dataset: DatasetReader, values: Array, nodata: float | None, fill: tuple[float, ...] | None
) -> frozenset[Invalid]:
    flags = dataset.mask_flag_enums[0]
    nan = nodata is not None and bool(np.isnan(nodata))
    found = {
        Invalid.ALPHA: alpha_band(dataset) is not None,
        Invalid.MASK: mask_band(dataset),
        Invalid.NODATA: (nodata is not None and not nan) or {MaskFlags.nodata, MaskFlags.per_dataset} <= set(flags),
        Invalid.NAN: nan or (values.dtype.kind == "f" and bool(np.isnan(values).any())),
        Invalid.EDGE: fill is not None,
    }
    return frozenset(kind for kind, holds in found.items() if holds)


def _require_numbers(dataset: DatasetReader) -> None:
    strange = [
        kind.name for kind in dataset.colorinterp if ColorInterp.alpha.value < kind.value < ColorInterp.pan.value
    ]
    complex_values = [dtype for dtype in dataset.dtypes if dtype.startswith("complex")]
    if strange or complex_values or len(value_bands(dataset)) == 0:
        raise DataError(
            "raster.unsupported",
            f"{Path(dataset.name).name} has bands of {', '.join([*strange, *complex_values]) or 'alpha only'}.",
            advice="Export it again with red, green and blue, grey, or measured bands of whole or real numbers.",
        )


def _crs(dataset: DatasetReader) -> CRS | None:
    if not dataset.crs:
        return None
    try:
        return CRS.from_wkt(dataset.crs.to_wkt())
    except (CRSError, rasterio.errors.CRSError):
        return None


def _is_bigtiff(dataset: DatasetReader) -> bool:
    try:
        with Path(dataset.name).open("rb") as file:
            return file.read(4) in _BIGTIFF
    except (OSError, ValueError):
        return False
