"""Steps before the engine: the ZIP is staged and validated."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

import structlog

from aerodag import archive, ledger
from aerodag.errors import InfrastructureError
from aerodag.ledger import RtkFile
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.storage import require_free_space, sha256_of

log = structlog.get_logger(__name__)

# The project holds the images once more, the engine's own files about as much again, the products a fraction.
WORK_BYTES_PER_RAW_BYTE = 3


def stage(context: StepContext) -> Metrics:
    """The ZIP is where the ledger says, holds what was registered, and there is room to work on it."""
    raw = context.raw_zip
    require_free_space(context.storage.root, WORK_BYTES_PER_RAW_BYTE * context.dataset.size_bytes)
    if (digest := sha256_of(raw)) != context.dataset.content_sha256:
        raise InfrastructureError(
            "dataset.raw_changed",
            f"The ZIP of dataset {context.dataset.id} has SHA-256 {digest[:12]}, "
            f"{context.dataset.content_sha256[:12]} was registered.",
            advice="Check the storage for damage; upload the same ZIP again to restore it.",
        )
    context.work.mkdir(parents=True, exist_ok=True)
    return {"bytes": context.dataset.size_bytes}


def validate(context: StepContext) -> Metrics:
    """The ZIP is safe, whole, and holds enough images."""
    inventory = archive.inspect(context.raw_zip, limits(context))
    for image in archive.verify(context.raw_zip, inventory):
        log.warning("image is not what its name says", image=image.path, reason=image.reason)
    ledger.replace_rtk_files(
        context.ledger,
        dataset_id=context.dataset.id,
        files=[_rtk_file(entry) for entry in inventory.rtk],
    )
    for reason, count in Counter(ignored.reason for ignored in inventory.ignored).items():
        log.info("entries ignored", reason=reason, count=count)
    return {
        "images": len(inventory.images),
        "rtk_files": len(inventory.rtk),
        "ignored": len(inventory.ignored),
        "expanded_bytes": inventory.total_bytes,
    }


def limits(context: StepContext) -> archive.Limits:
    """The archive limits of this installation."""
    settings = context.settings
    return archive.Limits(
        entries=settings.max_entries,
        entry_bytes=settings.max_entry_bytes,
        total_bytes=settings.max_total_bytes,
        ratio=settings.max_ratio,
        min_images=settings.min_images,
    )


def _rtk_file(entry: archive.Entry) -> RtkFile:
    kind = PurePosixPath(entry.path).suffix.lstrip(".").lower()
    return RtkFile(zip_path=entry.path, kind=kind, size_bytes=entry.size)
