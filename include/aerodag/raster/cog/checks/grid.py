"""Does a COG lie where its source lies, on the grid it should have, and does it say the same about itself."""

from __future__ import annotations

import math

import numpy as np
from pyproj import CRS, Transformer
from rasterio.io import DatasetReader

from aerodag.raster.cog.checks.failing import invalid
from aerodag.raster.cog.profiles import CogProfile

_EARTH = 2 * math.pi * 6_378_137.0
_TILE = 256
_EDGE_POINTS = 33


def check_same_grid(source: DatasetReader, result: DatasetReader) -> None:
    """Size, affine transform and CRS are equal."""
    if (result.width, result.height) != (source.width, source.height):
        raise invalid(f"it has {result.width} x {result.height} pixels instead of {source.width} x {source.height}")
    if not np.allclose(result.transform, source.transform, rtol=1e-14, atol=0):
        raise invalid("its grid differs from the source's")
    if result.crs != source.crs:
        raise invalid("its CRS differs from the source's")


def check_same_description(source: DatasetReader, result: DatasetReader) -> None:
    """All that says what the values mean: types, nodata, colours, names, scales, units and the tags."""
    same_nodata = np.array_equal(_numbers(source.nodatavals), _numbers(result.nodatavals), equal_nan=True)
    facts = {
        "types": source.dtypes == result.dtypes,
        "nodata values": same_nodata,
        "meaning of its bands": source.colorinterp == result.colorinterp,
        "band descriptions": source.descriptions == result.descriptions,
        "scales and offsets": (source.scales, source.offsets) == (result.scales, result.offsets),
        "units": source.units == result.units,
        "colour table": _colours(source) == _colours(result),
        "tags": all(_tags(source, band).items() <= _tags(result, band).items() for band in (0, *source.indexes)),
    }
    wrong = [name for name, same in facts.items() if not same]
    if wrong:
        raise invalid(f"the {', '.join(wrong)} differ from the source's")


def check_web_mercator(source: DatasetReader, result: DatasetReader, profile: CogProfile) -> None:
    """Resolution and origin are those of a zoom level, and the place is the source's, reprojected by PROJ anew.

    The scheme has whole tiles only, so the COG may reach beyond its source by less than a tile, never fall short.
    """
    if CRS.from_user_input(result.crs).to_epsg() != 3857:
        raise invalid("its CRS is not EPSG:3857")
    pixel = result.transform.a
    zoom = math.log2(_EARTH / _TILE / pixel)
    tile = pixel * profile.block
    origin = [(result.transform.c + _EARTH / 2) / tile, (_EARTH / 2 - result.transform.f) / tile]
    square = math.isclose(-result.transform.e, pixel, rel_tol=1e-9) and result.transform.b == result.transform.d == 0
    if not square or abs(zoom - round(zoom)) > 1e-9 or any(abs(value - round(value)) > 1e-3 for value in origin):
        raise invalid("its grid is not that of web maps")
    west, south, east, north = _bounds(source)
    beyond = np.array([
        west - result.bounds.left, south - result.bounds.bottom, result.bounds.right - east, result.bounds.top - north
    ])  # fmt: skip
    if beyond.min() < -pixel or beyond.max() > tile + pixel:
        raise invalid(f"its bounds are not the source's, reprojected: they reach {beyond.round(3).tolist()} m beyond")
    finer = (east - west) / pixel / source.width
    if not 0.4 < finer < 2.5:
        raise invalid(f"it has {finer:.2f} pixels where the source has one")


def to_result(source: DatasetReader, result: DatasetReader) -> Transformer:
    """From the source's plane to the result's, x before y."""
    return Transformer.from_crs(
        CRS.from_user_input(source.crs), CRS.from_user_input(result.crs), always_xy=True, allow_ballpark=True
    )


def _bounds(source: DatasetReader) -> tuple[float, float, float, float]:
    """West, south, east, north in EPSG:3857 of the source's outline, whichever way its grid is turned."""
    along = np.linspace(0, 1, _EDGE_POINTS)
    zero, one = np.zeros_like(along), np.ones_like(along)
    columns = np.concatenate([along, along, zero, one]) * source.width
    rows = np.concatenate([zero, one, along, along]) * source.height
    x, y = source.transform * (columns, rows)
    transformer = Transformer.from_crs(CRS.from_user_input(source.crs), CRS.from_epsg(3857), always_xy=True)
    east, north = transformer.transform(x, y)
    return float(np.min(east)), float(np.min(north)), float(np.max(east)), float(np.max(north))


def _numbers(values: tuple[float | None, ...]) -> list[float]:
    """Infinity cannot be a nodata value that anybody writes, so it stands for none."""
    return [math.inf if value is None else float(value) for value in values]


def _colours(dataset: DatasetReader) -> object:
    try:
        return dataset.colormap(1)
    except ValueError:
        return None


def _tags(dataset: DatasetReader, band: int) -> dict[str, str]:
    tags = dataset.tags(band)
    return {name: value for name, value in tags.items() if not name.startswith("STATISTICS_")}
