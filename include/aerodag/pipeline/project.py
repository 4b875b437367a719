"""The engine's project directory: the assigned images and the files that tell it more than they do."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from aerodag import archive, ledger
from aerodag.errors import DataError
from aerodag.ledger import ImageRecord
from aerodag.photogrammetry import gcp_images, geo
from aerodag.photogrammetry.odm.makernote import Stripped, strip_maker_notes
from aerodag.photogrammetry.odm.planning.positions import is_needed
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.examination.control import ground_control
from aerodag.pipeline.examination.headers import position_of

log = structlog.get_logger(__name__)


def assigned(context: StepContext) -> list[ImageRecord]:
    """The images that the engine gets. Raises ``DataError`` ``imagery.too_few_usable``."""
    images = ledger.assigned_images(context.ledger, dataset_id=context.dataset.id)
    if len(images) < context.settings.min_images:
        raise DataError(
            "imagery.too_few_usable",
            f"{len(images)} images are assigned, {context.settings.min_images} are needed.",
            advice="Clear extract_metadata and assess_images; see the images' reasons in the ledger.",
        )
    return images


def fill_project(context: StepContext) -> None:
    """The assigned images under their collision-free names, with what an upload says about their places.

    Images that are there already stay.
    """
    images = context.project / "images"
    images.mkdir(parents=True, exist_ok=True)
    names = {image.zip_path: str(image.engine_name) for image in assigned(context)}
    for stray in images.iterdir():
        if stray.name not in names.values():
            stray.unlink()
    archive.extract(context.raw, names, images)
    _write_control(context, names)
    _write_positions(context)


def _write_control(context: StepContext, names: Mapping[str, str]) -> None:
    """The upload's ground control under the engine's names; none where no row is left, which would stop ODM."""
    target = context.project / "gcp_list.txt"
    target.unlink(missing_ok=True)
    inventory = archive.inspect(context.raw, context.limits)
    with archive.Reader(context.raw, context.limits) as reader:
        control = ground_control(reader, inventory, assigned(context)).ground
    rewritten = gcp_images.rewrite(control, names) if control is not None else None
    if rewritten is not None and rewritten.rows:
        target.write_text(rewritten.text, "utf-8")
        log.info("ground control written", rows=rewritten.rows, points=rewritten.points)


def _write_positions(context: StepContext) -> None:
    """What the images do not say themselves, or not well enough: positions of marks, accuracy by kind of solution."""
    target = context.project / "geo.txt"
    target.unlink(missing_ok=True)
    positions = {str(image.engine_name): position_of(image) for image in assigned(context)}
    if is_needed(positions.values()):
        target.write_text(geo.write_geo(positions), "utf-8")
        log.info("positions written", images=len(positions))


def strip_images(context: StepContext) -> int:
    """Take the maker notes out of the project's copies of the images; returns out of how many."""
    images = sorted((context.project / "images").iterdir())
    stripped = sum(strip_maker_notes(image, image) is Stripped.EMPTIED for image in images)
    log.info("maker notes taken out of the copies", images=stripped)
    return stripped
