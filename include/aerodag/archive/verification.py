"""Every used entry is read once: is it whole, is it what its name says, and what is its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from aerodag.archive.format.limits import Limits
from aerodag.archive.format.reader import Reader
from aerodag.archive.format.refusal import damaged
from aerodag.archive.format.signatures import is_wrong_type
from aerodag.archive.format.threads import in_parallel
from aerodag.archive.inventory import Entry, Inventory
from aerodag.errors import DataError
from aerodag.findings import Finding, Severity

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """``digests`` is the SHA-256 of every whole entry by its path; the rest names what a survey can spare.

    ``wrong_type`` are images that begin with other bytes than their suffix says, ``damaged`` are entries of any kind
    whose size or checksum is wrong. ``findings`` say the same to a person.
    """

    digests: dict[str, str]
    wrong_type: tuple[str, ...]
    damaged: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Checked:
    path: str
    sha256: str = ""
    wrong_type: bool = False
    damage: str = ""


def verify(path: Path, inventory: Inventory, limits: Limits | None = None) -> Verified:
    """Stream every used entry once, on all cores, checking size and CRC-32; nothing is written.

    Raises:
        DataError: ``archive.damaged``, naming the entries, when more images than `Limits.damaged_share` are, or fewer
            than `Limits.min_images` are whole; ``archive.too_few_images`` when so few are of the type they claim.
        InfrastructureError: ``archive.not_opened``.
    """
    limits = limits or Limits.installed()
    with Reader(path, limits) as reader:
        checked = in_parallel(lambda entry: _check(reader, entry), inventory.used)
    broken = [item.path for item in checked if item.damage]
    wrong = [item.path for item in checked if item.wrong_type]
    _refuse_few(inventory.images, broken, wrong, limits)
    images = {entry.path for entry in inventory.images}
    log.info("archive verified", archive=str(path), entries=len(checked), damaged=len(broken), wrong_type=len(wrong))
    return Verified(
        digests={item.path: item.sha256 for item in checked if item.sha256},
        wrong_type=tuple(wrong),
        damaged=tuple(broken),
        findings=tuple(_findings(checked, images)),
    )


def _check(reader: Reader, entry: Entry) -> _Checked:
    sha, head = hashlib.sha256(), b""
    try:
        for block in reader.blocks(entry.path):
            head = head or block[:8]
            sha.update(block)
    except DataError as error:
        if error.code not in {"archive.damaged", "archive.missing_entry"}:
            raise
        return _Checked(entry.path, damage=error.message)
    return _Checked(entry.path, sha.hexdigest(), is_wrong_type(entry.path, head))


def _refuse_few(images: Sequence[Entry], broken: Sequence[str], wrong: Sequence[str], limits: Limits) -> None:
    lost = len({entry.path for entry in images}.intersection(broken))
    if lost and (lost > limits.damaged_share * len(images) or len(images) - lost < limits.min_images):
        raise damaged(broken, f"of {len(images)} images; {limits.damaged_share:.0%} may be")
    left = len(images) - lost - len(wrong)
    if left < limits.min_images:
        raise DataError(
            "archive.too_few_images",
            f"{left} of {len(images)} images are of the type their name says, {limits.min_images} are needed; "
            f"the first that is not: {wrong[0]!r}.",
            advice="Upload the camera's original files; renaming a file does not convert it.",
            numbers={"images": left, "limit": limits.min_images, "wrong_type": len(wrong)},
        )


def _findings(checked: Sequence[_Checked], images: set[str]) -> Iterator[Finding]:
    for item in checked:
        if item.damage and item.path in images:
            advice = "Copy this image from the card and upload again if it is needed."
            yield Finding(Severity.WARNING, "image.damaged", item.damage, advice, image=item.path)
        elif item.damage:
            advice = "Copy this file from the card and upload again; without it positions may be less exact."
            yield Finding(Severity.WARNING, "archive.damaged", item.damage, advice, numbers={"entry": item.path})
        elif item.wrong_type:
            message = f"{item.path!r} begins with other bytes than its suffix says."
            advice = "Upload the camera's original file; renaming a file does not convert it."
            yield Finding(Severity.WARNING, "image.wrong_type", message, advice, image=item.path)
