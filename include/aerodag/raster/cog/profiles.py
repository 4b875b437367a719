"""What a COG is for, and with it how it is encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from aerodag.errors import ConfigError

Target = Literal["native", "web_mercator"]


@dataclass(frozen=True, slots=True)
class CogProfile:
    """How a COG is encoded.

    Without ``quality`` every value, alpha and mask is kept as it is. With it (1..100) only uint8 RGB is taken: JPEG
    turns alpha into a one-bit mask, which every reader of JPEG in TIFF needs; WEBP keeps alpha as its fourth band,
    coded without loss, which comes with the same read as the colours. ``grid`` says on which pixels: the source's
    own, or those of web maps (EPSG:3857, resolution and tiles of a zoom level).
    """

    name: str
    compress: str
    level: int | None = None
    quality: int | None = None
    grid: Target = "native"
    block: int = 512
    resampling: str = "AVERAGE"

    def __post_init__(self) -> None:
        """Refuse what would lose values in the name of losslessness."""
        if self.quality is None and self.grid != "native":
            raise ConfigError(
                "raster.cog_profile",
                f"Profile {self.name} is to keep all values, but its grid is {self.grid}.",
                advice="Use the native grid for lossless COGs; reprojection changes every value.",
            )

    @property
    def lossless(self) -> bool:
        """Does a pixel read back as it was written."""
        return self.quality is None

    def options(self) -> dict[str, str]:
        """Creation options of GDAL's COG driver; ``PREDICTOR=YES`` is 2 for integers and 3 for floats."""
        chosen = {
            "COMPRESS": self.compress,
            "OVERVIEW_COMPRESS": self.compress,
            "BLOCKSIZE": str(self.block),
            "OVERVIEW_RESAMPLING": self.resampling,
            "OVERVIEWS": "IGNORE_EXISTING",
            "SPARSE_OK": "TRUE",
            "BIGTIFF": "IF_SAFER",
        }
        if self.quality is None:
            chosen |= {"PREDICTOR": "YES", "OVERVIEW_PREDICTOR": "YES"}
        else:
            chosen |= {"QUALITY": str(self.quality), "OVERVIEW_QUALITY": str(self.quality)}
        if self.grid == "web_mercator":
            chosen |= {"TILING_SCHEME": "GoogleMapsCompatible", "WARP_RESAMPLING": "CUBIC"}
        return chosen if self.level is None else {**chosen, "LEVEL": str(self.level)}

    def template(self, dtype: str) -> dict[str, Any]:
        """Creation options of GDAL's GeoTIFF driver for the same encoding."""
        if not self.lossless:
            return {"compress": self.compress}
        predictor = {"c": 1, "f": 3}.get(np.dtype(dtype).kind, 2)
        return {"compress": self.compress, "predictor": predictor}


def archive_profile(compress: Literal["ZSTD", "DEFLATE"] = "ZSTD") -> CogProfile:
    """All bands and values, for measuring and for making everything else again."""
    return CogProfile("archive", compress, level={"ZSTD": 3, "DEFLATE": 6}[compress])


def web_profile(compress: Literal["JPEG", "WEBP"] = "JPEG", quality: int = 85, grid: Target = "native") -> CogProfile:
    """Light colours for maps; ``quality`` 1..100."""
    return CogProfile("web", compress, quality=quality, grid=grid)


ARCHIVE = archive_profile()
ARCHIVE_DEFLATE = archive_profile("DEFLATE")
WEB = web_profile()
WEB_WEBP = web_profile("WEBP")
WEB_MERCATOR = web_profile(grid="web_mercator")
