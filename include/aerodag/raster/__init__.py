"""Rasters: what they are, brought into one form, published as cloud-optimised GeoTIFFs and drawn small."""

from aerodag.raster.classify import inspect
from aerodag.raster.cog import CogProfile, CogReport, make_cog
from aerodag.raster.describe import RasterInfo, describe
from aerodag.raster.kinds import RasterKind
from aerodag.raster.placement import Placement, placement, placement_findings, require_placed
from aerodag.raster.standard import Standardised, standardise
from aerodag.raster.thumbnail import Thumbnail, make_thumbnails
from aerodag.raster.whole import require_whole

__all__ = [
    "CogProfile",
    "CogReport",
    "Placement",
    "RasterInfo",
    "RasterKind",
    "Standardised",
    "Thumbnail",
    "describe",
    "inspect",
    "make_cog",
    "make_thumbnails",
    "placement",
    "placement_findings",
    "require_placed",
    "require_whole",
    "standardise",
]
