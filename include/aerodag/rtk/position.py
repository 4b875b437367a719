"""What the codes of RTK receivers mean, and which source of a position to believe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aerodag.rtk.mrk import MrkRecord


class Solution(StrEnum):
    """Kind of a satellite position, best first."""

    FIXED = "fixed"
    FLOAT = "float"
    SINGLE = "single"
    NONE = "none"
    UNKNOWN = "unknown"


def solution(flag: int | None) -> Solution:
    """Class of DJI's code, which Autel shares, in XMP ``RtkFlag`` and in mark files.

    50 is fixed, and so is the 52 of the Zenmuse P1; 32 to 49 float, 16 a single point, 0 no position. RTKLIB's codes
    (1 fixed, 2 float, 5 single) are others and count as unknown.
    """
    if flag is None:
        return Solution.UNKNOWN
    if flag >= 50:
        return Solution.FIXED
    if 32 <= flag < 50:
        return Solution.FLOAT
    return {16: Solution.SINGLE, 0: Solution.NONE}.get(flag, Solution.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPosition:
    """Where one image was taken: degrees WGS84, metres as its source gives them, standard deviations in metres.

    ``source`` is ``xmp``, ``mrk`` (height above the ellipsoid) or ``exif``; None is unknown.
    """

    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    std_e_m: float | None = None
    std_n_m: float | None = None
    std_u_m: float | None = None
    flag: int | None = None
    source: str | None = None

    @property
    def std_horizontal_m(self) -> float | None:
        """The greater of east and north, if both are known."""
        if self.std_e_m is None or self.std_n_m is None:
            return None
        return max(self.std_e_m, self.std_n_m)


def best_position(own: CameraPosition, record: MrkRecord | None) -> CameraPosition:
    """The image's own XMP when it has an RTK solution with deviations, else its exposure mark, else what it has.

    ``own`` is what the image says of itself, ``record`` the mark joined to it, if there is one.
    """
    if record is None or not record.has_position or _is_rtk_xmp(own):
        return own
    return CameraPosition(
        longitude=record.longitude,
        latitude=record.latitude,
        altitude=record.height_m,
        std_e_m=_known(record.std_e_m),
        std_n_m=_known(record.std_n_m),
        std_u_m=_known(record.std_v_m),
        flag=record.quality,
        source="mrk",
    )


def _is_rtk_xmp(own: CameraPosition) -> bool:
    return (
        own.source == "xmp"
        and own.longitude is not None
        and own.latitude is not None
        and own.std_horizontal_m is not None
        and solution(own.flag) not in {Solution.NONE, Solution.UNKNOWN}
    )


def _known(std: float) -> float | None:
    """Receivers write 0 for a deviation they do not know."""
    return std if std > 0 else None
