"""What a COG says of itself, in the words of GDAL: an empty GeoTIFF that says what its source says, as tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from aerodag.raster.cog.profiles import CogProfile
from aerodag.raster.cog.writer.container import Tag, tags_of

_NO_COLOUR = (ColorInterp.undefined, ColorInterp.gray, ColorInterp.alpha)


def header(dataset: DatasetReader, profile: CogProfile, bands: int, scratch: Path) -> list[Tag]:
    """Tags of the full resolution of ``dataset`` with its first ``bands`` bands, encoded by ``profile``.

    ``scratch`` is a path that may be written to.
    """
    options: dict[str, Any] = {
        "driver": "GTiff",
        "width": dataset.width,
        "height": dataset.height,
        "count": bands,
        "dtype": dataset.dtypes[0],
        "crs": dataset.crs,
        "transform": dataset.transform,
        "nodata": dataset.nodata,
        "tiled": True,
        "blockxsize": profile.block,
        "blockysize": profile.block,
        "interleave": "pixel",
        "sparse_ok": True,
        "bigtiff": "yes",
        **profile.template(dataset.dtypes[0]),
        **_colours(dataset, profile, bands),
    }
    with rasterio.open(scratch, "w", **options) as empty:
        _describe(dataset, empty, bands, profile)
    tags = tags_of(scratch)
    for path in (scratch, scratch.with_name(f"{scratch.name}.aux.xml")):
        path.unlink(missing_ok=True)
    return tags


def _colours(dataset: DatasetReader, profile: CogProfile, bands: int) -> dict[str, str]:
    kinds = list(dataset.colorinterp[:bands])
    if profile.compress == "JPEG" and bands == 3:
        return {"photometric": "ycbcr"}
    rgb = kinds[:3] == [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if rgb:
        return {"photometric": "rgb", **({"alpha": "yes"} if ColorInterp.alpha in kinds else {})}
    return {"photometric": "palette"} if ColorInterp.palette in kinds else {"photometric": "minisblack"}


def _describe(dataset: DatasetReader, empty: Any, bands: int, profile: CogProfile) -> None:
    """Everything that GDAL's driver would copy."""
    tags = {name: value for name, value in dataset.tags().items() if name != "AREA_OR_POINT"}
    empty.update_tags(**tags, OVERVIEW_RESAMPLING=profile.resampling) if tags else None
    if dataset.tags().get("AREA_OR_POINT") == "Point":
        empty.update_tags(AREA_OR_POINT="Point")
    empty.descriptions = dataset.descriptions[:bands]
    if not profile.lossless:
        return
    empty.colorinterp = dataset.colorinterp
    empty.scales, empty.offsets = dataset.scales, dataset.offsets
    empty.units = tuple(unit or "" for unit in dataset.units)
    for band in range(1, bands + 1):
        if own := dataset.tags(band):
            empty.update_tags(band, **own)
        if imagery := dataset.tags(band, ns="IMAGERY"):
            empty.update_tags(band, ns="IMAGERY", **imagery)
    if dataset.colorinterp[0] is ColorInterp.palette:
        empty.write_colormap(1, dataset.colormap(1))
