"""The images of a project: found, read, proven whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from aerodag.errors import DataError
from aerodag.findings import Finding, Severity
from aerodag.imagery import ImageMetadata, read_metadata
from aerodag.photogrammetry.embedded.georeference import has_position
from aerodag.photogrammetry.geo import read_geo
from aerodag.rtk import CameraPosition

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
MIN_IMAGES = 3


@dataclass(frozen=True, slots=True)
class Survey:
    """Usable images: metadata and path side by side; ``found`` counts the files looked at."""

    images: tuple[ImageMetadata, ...]
    paths: tuple[Path, ...]
    found: int

    def without(self, dropped: set[int]) -> Survey:
        """The survey without the images of these indices."""
        kept = [index for index in range(len(self.images)) if index not in dropped]
        return Survey(tuple(self.images[i] for i in kept), tuple(self.paths[i] for i in kept), self.found)


def load_survey(folder: Path) -> tuple[Survey, list[Finding]]:
    """Read the headers of all images in ``folder`` (not recursively, in name order).

    Raises:
        DataError: ``engine.no_images``.
    """
    candidates = sorted(folder.iterdir()) if folder.is_dir() else []
    paths = [path for path in candidates if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if not paths:
        raise DataError(
            "engine.no_images",
            f"There are no JPEG, PNG or TIFF images in {folder}.",
            advice="Check the upload: images must lie in the project's images folder.",
            numbers={"images": 0},
        )
    kept: list[tuple[ImageMetadata, Path]] = []
    findings = []
    for path in paths:
        try:
            with path.open("rb") as file:
                kept.append((read_metadata(file, path.name), path))
        except DataError as error:
            findings.append(unreadable(path.name, error.message))
    kept = _placed(kept, folder.parent / "geo.txt")
    return Survey(tuple(image for image, _ in kept), tuple(path for _, path in kept), len(paths)), findings


def _placed(images: list[tuple[ImageMetadata, Path]], geo_file: Path) -> list[tuple[ImageMetadata, Path]]:
    """The images with the positions that the project's ``geo.txt`` gives them, as ODM takes them."""
    if not geo_file.is_file():
        return images
    given = read_geo(geo_file.read_bytes(), geo_file.name).positions
    return [(_at(image, given.get(path.name)), path) for image, path in images]


def _at(image: ImageMetadata, position: CameraPosition | None) -> ImageMetadata:
    if position is None:
        return image
    return replace(
        image,
        longitude=position.longitude,
        latitude=position.latitude,
        altitude=image.altitude if position.altitude is None else position.altitude,
        position_source="geo",
        rtk_flag=None,
        std_e_m=position.std_e_m,
        std_n_m=position.std_n_m,
        std_u_m=position.std_u_m,
    )


def unreadable(name: str, reason: str) -> Finding:
    """The finding for an image that is left out because it cannot be decoded whole."""
    return Finding(
        Severity.WARNING,
        "engine.image_unreadable",
        f"{name} is left out: {reason}.",
        "Copy the file from the card again.",
        image=name,
    )


def require_positions(survey: Survey) -> None:
    """Refuse a survey with fewer than three positions.

    Raises:
        DataError: ``engine.no_gps`` or ``engine.too_few_images``.
    """
    total, located = len(survey.images), sum(has_position(image) for image in survey.images)
    numbers = {"images": total, "images_with_gps": located, "needed": MIN_IMAGES}
    if total < MIN_IMAGES:
        raise DataError(
            "engine.too_few_images",
            f"{total} usable images are too few, at least {MIN_IMAGES} are needed.",
            advice="Upload the whole flight; five or more overlapping images are a sensible minimum.",
            numbers=numbers,
        )
    if located < MIN_IMAGES:
        raise DataError(
            "engine.no_gps",
            f"{located} of {total} images have a GPS position, the embedded engine needs at least {MIN_IMAGES}.",
            advice="Upload the original files: editing or messaging programs strip GPS tags.",
            numbers=numbers,
        )
