"""Files that a step published, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerodag import ledger
from aerodag.ledger import Artifact
from aerodag.pipeline.context import StepContext
from aerodag.storage import Published

if TYPE_CHECKING:
    # Steps that make no raster do not pay for the raster library.
    from aerodag.raster import RasterInfo


def record_product(
    context: StepContext,
    kind: str,
    published: Published,
    info: RasterInfo | None,
    details: dict[str, Any],
) -> Artifact:
    """Write a published file into the ledger, where it becomes the current one of its kind; ``info`` of a raster."""
    return ledger.record_artifact(
        context.ledger,
        run_id=context.run.id,
        kind=kind,
        uri=published.uri,
        bytes=published.size,
        sha256=published.sha256,
        crs=info.crs if info else None,
        bbox=info.bbox if info else None,
        footprint=info.footprint if info else None,
        gsd_m=info.gsd_m if info else None,
        details=details,
    )
