"""Files that a step published, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerodag import ledger
from aerodag.ledger import Artifact
from aerodag.pipeline.context import StepContext
from aerodag.storage import Published

if TYPE_CHECKING:
    # Steps that make no raster do not pay for the raster library.
    from aerodag.raster.extent.describe import RasterInfo


# Where the details of a raster's record hold its grid.
RASTER = "raster"


def record_product(
    context: StepContext,
    kind: str,
    published: Published,
    info: RasterInfo | None = None,
    details: dict[str, Any] | None = None,
    name: str = "",
    crs: str | None = None,
) -> Artifact:
    """Write a published file into the ledger as this run's product of its kind.

    ``info`` of a raster; ``crs`` of what has one and is none.
    """
    return ledger.record_artifact(
        context.ledger,
        run_id=context.run.id,
        kind=kind,
        name=name,
        uri=published.uri,
        bytes=published.size,
        sha256=published.sha256,
        crs=info.crs if info else crs,
        bbox=info.bbox if info else None,
        footprint=info.footprint if info else None,
        gsd_m=info.gsd_m if info else None,
        details=(details or {}) | ({RASTER: grid_of(info)} if info else {}),
    )


def grid_of(info: RasterInfo) -> dict[str, Any]:
    """What a reader has to know of a raster without opening it."""
    return {
        "width": info.width,
        "height": info.height,
        "transform": info.transform,
        "bounds": info.bounds,
        "vertical_datum": info.vertical_datum,
        "valid_ratio": info.valid_ratio,
        "valid_area_m2": info.valid_area_m2,
        "bands": [
            {
                "name": band.description or f"{band.meaning if band.meaning != 'unknown' else 'band'}_{band.index}",
                "meaning": band.meaning.value,
                "dtype": band.dtype,
                "nodata": info.nodata,
                "wavelength_nm": band.wavelength_nm,
            }
            for band in info.bands
        ],
    }
