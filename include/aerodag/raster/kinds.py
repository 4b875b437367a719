"""What a raster is: its bands and their meaning, what marks a pixel as invalid, and how it lies on the Earth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Meaning(StrEnum):
    """What a band holds."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    ALPHA = "alpha"
    GREY = "grey"
    PALETTE = "palette"
    COASTAL = "coastal"
    YELLOW = "yellow"
    RED_EDGE = "red_edge"
    NIR = "nir"
    SWIR = "swir"
    THERMAL = "thermal"
    ELEVATION = "elevation"
    UNKNOWN = "unknown"


class Content(StrEnum):
    """What the raster as a whole shows."""

    RGB = "rgb"
    GREY = "grey"
    PALETTE = "palette"
    MULTISPECTRAL = "multispectral"
    ELEVATION = "elevation"
    UNKNOWN = "unknown"


class Invalid(StrEnum):
    """How the raster says that a pixel is not valid; several can hold at once."""

    ALPHA = "alpha"
    MASK = "mask"
    NODATA = "nodata"
    NAN = "nan"
    EDGE = "edge"


class CrsKind(StrEnum):
    """What kind of coordinate reference system the raster names."""

    NONE = "none"
    GEOGRAPHIC = "geographic"
    PROJECTED = "projected"
    GEOCENTRIC = "geocentric"
    ENGINEERING = "engineering"
    VERTICAL = "vertical"


class Grid(StrEnum):
    """How rows and columns lie on the plane of the CRS."""

    NONE = "none"
    NORTH_UP = "north_up"
    SOUTH_UP = "south_up"
    ROTATED = "rotated"


@dataclass(frozen=True, slots=True)
class Band:
    """One band: ``index`` from 1, what it holds, how it calls itself, and its central wavelength in nanometres."""

    index: int
    meaning: Meaning
    dtype: str
    description: str | None = None
    wavelength_nm: float | None = None


@dataclass(frozen=True, slots=True)
class RasterKind:
    """What was found out from the header, a decimated read and the edges; no full read.

    ``nodata`` is the value that marks invalid pixels, in source units: the tag's, or with ``Invalid.EDGE`` the value
    that fills the margin without being declared (one number per non-alpha band in ``edge_fill``). ``vertical`` names
    the vertical CRS or datum of a compound CRS, None where none is given.
    """

    content: Content
    bands: tuple[Band, ...]
    invalid: frozenset[Invalid]
    nodata: float | None
    edge_fill: tuple[float, ...] | None
    crs: CrsKind
    vertical: str | None
    grid: Grid
    bigtiff: bool

    def band(self, meaning: Meaning) -> int | None:
        """Index (from 1) of the first band of that meaning, None where there is none."""
        return next((band.index for band in self.bands if band.meaning is meaning), None)
