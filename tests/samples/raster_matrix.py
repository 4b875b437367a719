"""Every kind of raster in small: how it is written, and what has to be found out about it and made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from aerodag.raster.kinds import Content, CrsKind, Grid, Invalid, Meaning
from samples.rasters import RGB, Array, save

ROWS, COLUMNS = 80, 96
DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
BANDS = ("grey", "two", "rgb", "rgba", "rgbn", "five", "palette")
NODATA = ("none", "tag", "nan", "alpha", "mask", "edge")
CRSS = {
    "none": None,
    "geographic": "EPSG:4326",
    "projected": "EPSG:32615",
    "compound": "EPSG:32615+5773",
    "local": 'LOCAL_CS["site",UNIT["metre",1]]',
}
LAYOUTS = ("strips", "tiles", "planar", "south_up", "rotated", "bigtiff")
FILLS = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int16": -32767, "int32": -9999}
PALETTE = {0: (0, 0, 0, 255), 1: (200, 100, 50, 255), 2: (1, 2, 3, 255), 3: (250, 240, 230, 255)}
COUNTS = {"grey": 1, "two": 2, "rgb": 3, "rgba": 3, "rgbn": 4, "five": 5, "palette": 1}


@dataclass(frozen=True, slots=True)
class Case:
    """One raster of the matrix."""

    dtype: str
    bands: str
    nodata: str
    crs: str
    layout: str

    def __str__(self) -> str:
        return "-".join(str(getattr(self, field.name)) for field in fields(self))

    @property
    def possible(self) -> bool:
        """Can such a raster exist: integers hold no NaN, palettes are bytes without alpha."""
        if self.bands == "palette" and (self.dtype != "uint8" or self.nodata == "alpha"):
            return False
        return self.nodata != "nan" or self.dtype.startswith("float")

    @property
    def fill(self) -> float:
        """The number that stands for nothing."""
        if self.bands == "palette":
            return 0
        if self.nodata == "tag" and self.dtype.startswith("float"):
            return float(np.finfo(np.float32).min)
        return FILLS.get(self.dtype, -9999)

    @property
    def has_alpha(self) -> bool:
        """Is there an alpha band, be it opaque everywhere."""
        return self.bands == "rgba" or self.nodata == "alpha"


def pairwise() -> list[Case]:
    """Cases in which every possible pair of two properties occurs, found greedily; the same ones every time."""
    everything = [
        case for case in (Case(*each) for each in product(DTYPES, BANDS, NODATA, CRSS, LAYOUTS)) if case.possible
    ]
    missing = {pair for case in everything for pair in _pairs(case)}
    chosen = []
    while missing:
        best = max(everything, key=lambda case: len(missing & set(_pairs(case))))
        chosen.append(best)
        missing -= set(_pairs(best))
    return chosen


def _pairs(case: Case) -> Iterator[tuple[str, str]]:
    named = [f"{field.name}={getattr(case, field.name)}" for field in fields(case)]
    return combinations(named, 2)


@dataclass(frozen=True, slots=True)
class Made:
    """A raster on disk, its values without alpha, and the pixels that are valid, as they lie in the file."""

    path: Path
    values: Array
    valid: Array


def make(case: Case, directory: Path) -> Made:
    """Write one case. Invalid is a collar at the top and the left; its value occurs once more inside."""
    values = _values(case)
    valid = np.ones((ROWS, COLUMNS), dtype=bool)
    inside = np.zeros_like(valid)
    if case.nodata != "none":
        valid[:12] = valid[:, :10] = False
        inside[40:44, 50:56] = True
    if case.nodata in ("tag", "edge"):
        values[:, ~valid | inside] = case.fill
    if case.nodata == "nan":
        values[:, ~valid | inside] = np.nan
    if case.nodata in ("tag", "nan"):
        valid &= ~inside
    path = save(directory / f"{case}.tif", *_content(case, values, valid), **_options(case))
    with rasterio.open(path, "r+") as dataset:
        if case.bands == "palette":
            dataset.write_colormap(1, PALETTE)
        if case.bands == "rgbn":
            dataset.set_band_description(4, "NIR")
    return Made(path, values, valid)


def content_of(case: Case) -> Content:
    """What the classifier has to say of the whole."""
    if case.bands == "grey":
        if case.dtype.startswith("float") or (case.dtype in ("int16", "int32") and case.nodata in ("tag", "edge")):
            return Content.ELEVATION
        return Content.GREY if case.dtype in ("uint8", "uint16") else Content.UNKNOWN
    return {
        "two": Content.UNKNOWN,
        "rgb": Content.RGB,
        "rgba": Content.RGB,
        "palette": Content.PALETTE,
    }.get(case.bands, Content.MULTISPECTRAL)


def meanings_of(case: Case) -> list[Meaning]:
    """What it has to say of every band."""
    colours = [Meaning.RED, Meaning.GREEN, Meaning.BLUE]
    single = {Content.ELEVATION: Meaning.ELEVATION, Content.GREY: Meaning.GREY}
    found = {
        "grey": [single.get(content_of(case), Meaning.UNKNOWN)],
        "two": [Meaning.UNKNOWN] * 2,
        "rgb": colours,
        "rgba": colours,
        "rgbn": [*colours, Meaning.NIR],
        "five": [Meaning.UNKNOWN] * 5,
        "palette": [Meaning.PALETTE],
    }[case.bands]
    return [*found, Meaning.ALPHA] if case.has_alpha else found


def invalid_of(case: Case) -> set[Invalid]:
    """How the raster says what is invalid."""
    found = {
        "tag": {Invalid.NODATA},
        "nan": {Invalid.NAN},
        "mask": {Invalid.MASK},
        "edge": {Invalid.EDGE},
    }.get(case.nodata, set())
    return found | {Invalid.ALPHA} if case.has_alpha else found


def crs_of(case: Case) -> CrsKind:
    """Kind of the CRS."""
    kinds = {"geographic": CrsKind.GEOGRAPHIC, "local": CrsKind.ENGINEERING, "none": CrsKind.NONE}
    return kinds.get(case.crs, CrsKind.PROJECTED)


def grid_of(case: Case) -> Grid:
    """How the pixels lie."""
    return {"south_up": Grid.SOUTH_UP, "rotated": Grid.ROTATED}.get(case.layout, Grid.NORTH_UP)


def expected_view(case: Case, made: Made) -> tuple[Array, Array]:
    """Colours (3, rows, columns) before rounding, and alpha, both north up, by plain numpy."""
    shown = {"grey": [0, 0, 0], "two": [0, 0, 0], "palette": [0, 0, 0]}.get(case.bands, [0, 1, 2])
    values = made.values[shown].astype(np.float64)
    if case.bands == "palette":
        values = np.array([[PALETTE[int(number)][band] for number in made.values[0].flat] for band in range(3)])
        values = values.reshape(3, ROWS, COLUMNS).astype(np.float64)
    elif case.dtype != "uint8":
        ranges = [np.percentile(band[made.valid], [2, 98]) for band in values]
        values = np.stack(
            [
                np.clip((np.nan_to_num(band) - low) * 255 / (high - low), 0, 255)
                for band, (low, high) in zip(values, ranges, strict=True)
            ]
        )
    colours = np.where(made.valid, values, 0.0)
    alpha = np.where(made.valid, 255, 0)
    if case.layout == "south_up":
        return colours[:, ::-1], alpha[::-1]
    if case.layout == "rotated":
        return np.rot90(colours, axes=(1, 2)), np.rot90(alpha)
    return colours, alpha


def _values(case: Case) -> Array:
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    count = COUNTS[case.bands]
    if case.bands == "palette":
        return (1 + (rows // 7 + columns // 9) % 3)[np.newaxis].astype(np.uint8)
    smooth = np.stack([0.5 + 0.3 * np.sin(rows / (7 + n)) * np.cos(columns / (11 + 2 * n)) for n in range(count)])
    low, high = {
        "uint8": (40, 220),
        "int16": (-300, 3000),
        "uint16": (1000, 30000),
        "int32": (-100_000, 900_000),
        "uint32": (3_000_000_000, 3_000_100_000),
    }.get(case.dtype, (180.25, 260.75))
    return np.asarray((low + smooth * (high - low)).astype(case.dtype))


def _content(case: Case, values: Array, valid: Array) -> tuple[Array, list[ColorInterp], Array | None]:
    colours = {
        "palette": [ColorInterp.palette],
        "rgb": RGB,
        "rgba": RGB,
        "rgbn": [*RGB, ColorInterp.undefined],
    }.get(case.bands, [ColorInterp.gray, *[ColorInterp.undefined] * (len(values) - 1)])
    if case.has_alpha:
        opaque = 1.0 if case.dtype.startswith("float") else np.iinfo(case.dtype).max
        shown = valid if case.nodata == "alpha" else np.ones_like(valid)
        values = np.concatenate([values, (shown * opaque)[np.newaxis].astype(case.dtype)])
        colours = [*colours, ColorInterp.alpha]
    return values, colours, valid if case.nodata == "mask" else None


def _options(case: Case) -> dict[str, Any]:
    pixel = 1e-6 if case.crs == "geographic" else 0.05
    x, y = (-92.0, 46.85) if case.crs == "geographic" else (576_000.0, 5_188_000.0)
    placed = Affine.translation(x, y)
    options: dict[str, Any] = {
        "crs": CRSS[case.crs],
        "transform": {
            "south_up": placed @ Affine.scale(pixel, pixel),
            # Rows run east, columns run north: turned by exactly ninety degrees, so that no value has to be mixed.
            "rotated": placed @ Affine(0, pixel, 0, pixel, 0, 0),
        }.get(case.layout, placed @ Affine.scale(pixel, -pixel)),
    }
    if case.bands.startswith("rgb"):
        options["photometric"] = "RGB"
    elif case.bands != "palette":
        options["photometric"] = "MINISBLACK"
    if case.bands == "rgbn" and not case.has_alpha:
        options["alpha"] = "NO"
    if case.nodata == "tag":
        options["nodata"] = case.fill
    return options | {
        "tiles": {"tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "deflate"},
        "planar": {"interleave": "band", "compress": "lzw"},
        "bigtiff": {"bigtiff": "YES", "compress": "zstd"},
    }.get(case.layout, {})
