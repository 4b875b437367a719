"""What to tell OpenDroneMap about the images' positions, so that none gets less accurate than it is known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from aerodag.photogrammetry import geo
from aerodag.rtk import CameraPosition, Solution, solution

_OVERRATED = {Solution.FLOAT, Solution.SINGLE}
_ODM_FACTOR = 2.0  # ODM doubles the deviations it reads from XMP


class Telling(StrEnum):
    """How positions reach ODM."""

    NOTHING = "nothing"
    GEO = "geo"
    GPS_ACCURACY = "gps_accuracy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """What to pass on.

    ``lines`` is the number of images in geo.txt, which ODM confirms with "Updated N image positions". ``accuracy_m``
    goes to ``--gps-accuracy``, which overwrites the accuracy of every image: set only where none has any. That can be
    so with a geo.txt too, if it holds bare positions. ``reason`` is a sentence for people.
    """

    telling: Telling
    lines: int = 0
    accuracy_m: float | None = None
    reason: str

    @property
    def has_geo(self) -> bool:
        """Whether geo.txt has to lie in the project; its text is `geo.write_geo`'s."""
        return self.telling is Telling.GEO


def decide(positions: Mapping[str, CameraPosition], default_accuracy_m: float) -> Positions:
    """Choose for ``positions``, being ``{engine name: position}``.

    Nothing where ODM reads all it needs from the images. geo.txt where it would not see the accuracy (mark files,
    uploaded positions) or believe it too much (mixed kinds of solution, float and single points with deviations below
    what such a solution can have). ``default_accuracy_m`` where nothing at all is known, as ODM takes 10 m then.
    """
    entries = _entries(positions)
    has_accuracy = any(_knows_accuracy(position) for position in positions.values())
    accuracy = None if has_accuracy else default_accuracy_m
    if entries:
        return Positions(
            telling=Telling.GEO,
            lines=len(entries),
            accuracy_m=accuracy,
            reason=f"geo.txt gives the positions of {len(entries)} of {len(positions)} images"
            + (f", without accuracy, so {accuracy:g} m for all." if accuracy else "."),
        )
    if has_accuracy:
        return Positions(telling=Telling.NOTHING, reason=_silence(positions.values()))
    if not any(_is_placed(position) for position in positions.values()):
        return Positions(telling=Telling.NOTHING, reason="No image has a position.")
    return Positions(
        telling=Telling.GPS_ACCURACY,
        accuracy_m=default_accuracy_m,
        reason=f"No image tells its accuracy, so {default_accuracy_m:g} m for all.",
    )


def is_needed(positions: Collection[CameraPosition]) -> bool:
    """Whether geo.txt would tell ODM something that the images do not."""
    return geo.is_needed(positions) or any(_is_overrated(position) for position in positions)


def _entries(positions: Mapping[str, CameraPosition]) -> list[str]:
    if not is_needed(positions.values()):
        return []
    return geo.write_geo(positions).splitlines()[1:]


def _is_overrated(position: CameraPosition) -> bool:
    kind = solution(position.flag)
    horizontal = position.std_horizontal_m
    return kind in _OVERRATED and horizontal is not None and horizontal * _ODM_FACTOR < geo.LEAST_STD_M[kind]


def _knows_accuracy(position: CameraPosition) -> bool:
    return any(std is not None for std in (position.std_e_m, position.std_n_m, position.std_u_m))


def _is_placed(position: CameraPosition) -> bool:
    return position.longitude is not None and position.latitude is not None


def _silence(positions: Collection[CameraPosition]) -> str:
    silent = sum(not _knows_accuracy(position) for position in positions)
    if not silent:
        return "All images tell their accuracy themselves."
    return (
        f"{len(positions) - silent} of {len(positions)} images tell their accuracy themselves; ODM takes 10 m for the "
        "others."
    )
