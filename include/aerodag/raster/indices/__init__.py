"""Vegetation indices of an orthophoto: which it allows, their rasters, statistics and stress grids."""

from aerodag.raster.indices.compute import IndexResult, IndicesResult, compute
from aerodag.raster.indices.statistics import ClassArea, Statistics
from aerodag.raster.indices.stress import STRESSED, StressCell
from aerodag.raster.indices.table import INDICES, Index, Numbers

__all__ = [
    "INDICES",
    "STRESSED",
    "ClassArea",
    "Index",
    "IndexResult",
    "IndicesResult",
    "Numbers",
    "Statistics",
    "StressCell",
    "compute",
]
