"""Which images can become one orthophoto: they are grouped by sensor, and one consistent set is chosen.

OpenDroneMap gives every camera (maker, model, size, focal length) its own calibration, so two colour cameras may share
a reconstruction. What it cannot do is mix modalities - of a Mavic 3M it drops the colour images, a thermal picture
beside a colour one matches nothing - or lenses of different reach: the zoom lens of a payload photographs the wide
lens's exposure again at several times the scale. Hence: one modality, and pixels of comparable size on the ground.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import median

from aerodag.findings import Finding, Severity
from aerodag.imagery.metadata import ImageMetadata
from aerodag.imagery.tags.sensor import Modality, without_band

_PREFERENCE = (Modality.RGB, Modality.MULTISPECTRAL, Modality.THERMAL)
# Of a payload's cameras the wide one makes the map; the others photograph details of the same exposure.
_NARROW_LENSES = {"Z", "S"}
_TINY = 0.1
_MAX_SCALE = 2.0
_FOCAL_CLASS = 4  # classes of a factor 2 ** (1/4): 19 %


@dataclass(frozen=True, slots=True)
class SensorGroup:
    """What tells one sensor from another. Sizes are longer by shorter side, so a turned camera is the same one.

    Of a multispectral rig all bands are one group, whatever their size, and ``size`` and ``focal_class`` are None.
    ``focal_class`` is ``round(4 * log2(focal length / longer side))``.
    """

    modality: Modality
    make: str = ""
    model: str = ""
    lens_code: str = ""
    size: tuple[int, int] | None = None
    focal_class: int | None = None

    def __str__(self) -> str:
        """Like ``thermal DJI M3T T 640x512``."""
        size = f"{self.size[0]}x{self.size[1]}" if self.size else ""
        return " ".join(part for part in (self.modality.value, self.make, self.model, self.lens_code, size) if part)


@dataclass(frozen=True, slots=True)
class Grouping:
    """``groups``: label of the sensor group of every image; ``chosen`` and ``others``: names, in the order given."""

    chosen: tuple[str, ...]
    others: tuple[str, ...]
    groups: dict[str, str]
    findings: tuple[Finding, ...] = ()


def sensor_group(image: ImageMetadata) -> SensorGroup:
    """The group an image belongs to, from its header alone."""
    make, model = image.make or "", image.model or ""
    if image.modality is Modality.MULTISPECTRAL:
        return SensorGroup(image.modality, make, model)
    size = (max(image.width, image.height), min(image.width, image.height))
    reach = round(_FOCAL_CLASS * math.log2(image.focal_px / size[0])) if image.focal_px else None
    return SensorGroup(image.modality, make, model, image.lens_code or "", size, reach)


def choose_group(images: Sequence[ImageMetadata]) -> Grouping:
    """Choose the images of one map.

    Colour beats multispectral beats thermal, unless the better kind has less than a tenth of the exposures of the most
    frequent one. Of the chosen kind the group with most exposures leads (a zoom lens only if there is no other), and
    groups whose ground pixel is within a factor of 2 of the leader's join it. Incomplete exposures of a multispectral
    rig are left out, for engines drop them or fail on them. Everything left out is in ``findings``.
    """
    members: dict[SensorGroup, list[ImageMetadata]] = defaultdict(list)
    for image in images:
        members[sensor_group(image)].append(image)
    if not members:
        return Grouping((), (), {})
    modality, reason = _choose_modality(members)
    leader = max(
        (group for group in members if group.modality is modality),
        key=lambda group: (group.lens_code not in _NARROW_LENSES, _exposures(members[group]), str(group)),
    )
    joined = [group for group in members if group == leader or _fits(group, leader, members)]
    incomplete = _incomplete([image for group in joined for image in members[group]], modality)
    taken = {image.name for group in joined for image in members[group]} - incomplete.keys()
    others = [_other_sensor(group, members[group], leader, reason) for group in members if group not in joined]
    return Grouping(
        chosen=tuple(image.name for image in images if image.name in taken),
        others=tuple(image.name for image in images if image.name not in taken),
        groups={image.name: str(group) for group, found in members.items() for image in found},
        findings=(*_mixed(joined, members), *others, *incomplete.values()),
    )


def _choose_modality(members: dict[SensorGroup, list[ImageMetadata]]) -> tuple[Modality, str]:
    counts: Counter[Modality] = Counter()
    for group, images in members.items():
        counts[group.modality] += _exposures(images)
    most = max(counts.values())
    chosen = next(kind for kind in _PREFERENCE if counts[kind] >= _TINY * most and counts[kind])
    passed = [kind for kind in _PREFERENCE[: _PREFERENCE.index(chosen)] if counts[kind]]
    if passed:
        few = " and ".join(f"{counts[kind]} {kind.value}" for kind in passed)
        return chosen, f"the {counts[chosen]} {chosen.value} exposures far outnumber the {few} ones"
    return chosen, f"a map is made of one kind of image, and {chosen.value} comes first"


def _exposures(images: Iterable[ImageMetadata]) -> int:
    return len({_capture(image) for image in images})


def _capture(image: ImageMetadata) -> str:
    """Bands of one exposure share an identifier, else a file name but for the band, else the moment."""
    if image.band is None:
        return image.name
    stem = without_band(PurePosixPath(image.name).stem)
    if image.capture_id or stem is None:
        moment = image.captured_at.isoformat() if image.captured_at else image.name
        return image.capture_id or moment
    return str(PurePosixPath(image.name).parent / stem)


def _fits(group: SensorGroup, leader: SensorGroup, members: dict[SensorGroup, list[ImageMetadata]]) -> bool:
    if group.modality is not leader.modality:
        return False
    if (group.lens_code in _NARROW_LENSES) != (leader.lens_code in _NARROW_LENSES):
        return False
    ours, theirs = _ground_pixel(members[group]), _ground_pixel(members[leader])
    return ours is None or theirs is None or 1 / _MAX_SCALE <= ours / theirs <= _MAX_SCALE


def _ground_pixel(images: Iterable[ImageMetadata]) -> float | None:
    """Median of height over focal length in metres a pixel, looking straight down; None where no image knows both."""
    sizes = [
        image.relative_altitude / image.focal_px
        for image in images
        if image.focal_px and image.relative_altitude and image.relative_altitude > 0
    ]
    return median(sizes) if sizes else None


def _incomplete(images: Sequence[ImageMetadata], modality: Modality) -> dict[str, Finding]:
    """Images of exposures that have not exactly the bands that most exposures have."""
    if modality is not Modality.MULTISPECTRAL:
        return {}
    captures: dict[str, list[ImageMetadata]] = defaultdict(list)
    for image in images:
        captures[_capture(image)].append(image)
    sets = Counter(_bands(found) for found in captures.values())
    usual, _ = max(sets.items(), key=lambda item: (item[1], len(item[0]), item[0]))
    return {
        image.name: Finding(
            Severity.WARNING,
            "imagery.incomplete_capture",
            f"{image.name} is left out: its exposure has the bands {', '.join(_bands(found))}, "
            f"while {sets[usual]} of {len(captures)} exposures have {', '.join(usual)}.",
            "Add the missing bands of this exposure and upload again if it is needed.",
            image.name,
            {"bands": list(_bands(found)), "expected": list(usual)},
        )
        for found in captures.values()
        if _bands(found) != usual
        for image in found
    }


def _bands(images: Iterable[ImageMetadata]) -> tuple[str, ...]:
    return tuple(sorted(image.band or "" for image in images))


def _other_sensor(group: SensorGroup, images: Sequence[ImageMetadata], leader: SensorGroup, reason: str) -> Finding:
    if group.modality is leader.modality:
        reason = "its lens or the size of its ground pixel differs by more than a factor of 2 from the chosen images"
    return Finding(
        Severity.WARNING,
        "imagery.other_sensor",
        f"{len(images)} images of the sensor '{group}' are left out beside those of '{leader}': {reason}.",
        "Upload them as a dataset of their own if they are to be mapped too.",
        numbers={"group": str(group), "images": len(images), "chosen": str(leader), "example": images[0].name},
    )


def _mixed(joined: Sequence[SensorGroup], members: dict[SensorGroup, list[ImageMetadata]]) -> tuple[Finding, ...]:
    if len(joined) < 2:
        return ()
    counts = {str(group): 0 for group in joined}
    for group in joined:
        counts[str(group)] += len(members[group])
    listed = ", ".join(f"{count} of '{label}'" for label, count in counts.items())
    return (
        Finding(
            Severity.INFO,
            "imagery.mixed_cameras",
            f"The images come from {len(joined)} cameras or settings that fit together: {listed}.",
            "Nothing needs to be done; each camera gets a calibration of its own.",
            numbers={"groups": counts},
        ),
    )
