"""Rasters: described, brought into one form, published as cloud-optimised GeoTIFFs and drawn small."""

from aerodag.raster.cog import ARCHIVE, ARCHIVE_ZSTD, PROFILES, WEB, CogProfile, CogReport, make_cog
from aerodag.raster.describe import RasterInfo, describe
from aerodag.raster.standard import Standardised, standardise
from aerodag.raster.thumbnail import Thumbnail, make_thumbnail

__all__ = [
    "ARCHIVE",
    "ARCHIVE_ZSTD",
    "PROFILES",
    "WEB",
    "CogProfile",
    "CogReport",
    "RasterInfo",
    "Standardised",
    "Thumbnail",
    "describe",
    "make_cog",
    "make_thumbnail",
    "standardise",
]
