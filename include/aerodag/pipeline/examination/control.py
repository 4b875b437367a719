"""What an upload brings along to place its images: ground control points and post-processed positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from aerodag import archive
from aerodag.findings import Finding, Severity
from aerodag.ledger import ImageRecord
from aerodag.photogrammetry import gcp, gcp_checks, gcp_images, geo
from aerodag.photogrammetry.gcp import GroundControl
from aerodag.photogrammetry.geo import GeoFile
from aerodag.rtk import CameraPosition

_LISTED = 20


@dataclass(frozen=True, slots=True)
class Control:
    """The control file that is used, if there is a usable one, and what was found about all of them."""

    ground: GroundControl | None
    findings: tuple[Finding, ...]

    @property
    def points(self) -> int | None:
        """Number of different points that steer the reconstruction; None without a control file."""
        return None if self.ground is None else len({row.point for row in self.ground.rows if not row.is_check})


@dataclass(frozen=True, slots=True)
class Positions:
    """Positions by ``zip_path`` that the upload's own ``geo.txt`` gives, and what was found about it."""

    by_path: Mapping[str, CameraPosition]
    findings: tuple[Finding, ...]


def ground_control(reader: archive.Reader, inventory: archive.Inventory, records: Sequence[ImageRecord]) -> Control:
    """Read the control files, choose one, and compare it with the images."""
    files = [gcp.parse(content, path) for path, content in _contents(reader, inventory.gcp)]
    if not files:
        return Control(None, ())
    images = [
        gcp_checks.ControlImage(record.zip_path, record.width, record.height, record.longitude, record.latitude)
        for record in records
    ]
    chosen, findings = gcp_images.choose(files, [image.zip_path for image in images])
    findings = [*(finding for file in files for finding in file.findings), *findings]
    if chosen is not None:
        findings += gcp_checks.check(chosen, images)
    return Control(chosen, tuple(findings))


def uploaded_positions(reader: archive.Reader, inventory: archive.Inventory) -> Positions:
    """Read the position files and find the image of each line, by path or by a base name that only one image has."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for entry in inventory.images:
        by_name[PurePosixPath(entry.path).name.casefold()].append(entry.path)
        by_name[entry.path.casefold()].append(entry.path)
    found: dict[str, CameraPosition] = {}
    findings: list[Finding] = []
    for path, content in _contents(reader, inventory.geo):
        file = geo.read_geo(content, path)
        lost = []
        for name, position in file.positions.items():
            fitting = set(by_name.get(name.casefold(), ()))
            if len(fitting) == 1:
                found.setdefault(fitting.pop(), position)
            else:
                lost.append(name)
        findings += [*file.findings, *_placed(file, lost)]
    return Positions(found, tuple(findings))


def _contents(reader: archive.Reader, entries: Sequence[archive.Entry]) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        with reader.open(entry.path) as file:
            yield entry.path, file.read(gcp.MAX_BYTES + 1)


def _placed(file: GeoFile, lost: Sequence[str]) -> Iterator[Finding]:
    used = len(file.positions) - len(lost)
    if used:
        yield Finding(
            Severity.INFO,
            "geo.positions_used",
            f"{used} images take their position from {file.name}, whatever they say themselves.",
            "Leave the file out of the upload if the images know better.",
            numbers={"file": file.name, "images": used},
        )
    if lost:
        yield Finding(
            Severity.WARNING,
            "geo.images_absent",
            f"{len(lost)} of {len(file.positions)} names in {file.name} are not the name of exactly one image: "
            f"{', '.join(lost[:_LISTED])}.",
            "Write the names as they are in the ZIP, with their folders where two images have the same name.",
            numbers={"file": file.name, "lines": len(file.positions), "lost": list(lost[:_LISTED])},
        )
