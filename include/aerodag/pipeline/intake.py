"""Steps before the images: the upload is staged, a ZIP validated."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from aerodag import archive, ledger
from aerodag.errors import InfrastructureError
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.examination.rows import bare_images, bare_rtk_files
from aerodag.storage import require_free_space

log = structlog.get_logger(__name__)

# The project holds the images once more, the engine's own files about as much again, the products a fraction.
WORK_BYTES_PER_RAW_BYTE = 3


def stage(context: StepContext) -> Metrics:
    """The upload is where the ledger says, holds what was registered, and there is room to work on it."""
    dataset = context.dataset
    context.work.mkdir(parents=True, exist_ok=True)
    require_free_space(context.work.parent, WORK_BYTES_PER_RAW_BYTE * dataset.size_bytes)
    uri = context.raw_uri
    if context.storage.verified(uri, size=dataset.size_bytes, sha256=dataset.content_sha256) is None:
        raise InfrastructureError(
            "dataset.raw_changed",
            f"The upload of dataset {dataset.id} at {uri} is not the file that was registered.",
            advice="Check the storage for damage; upload the same file again to restore it.",
        )
    return {"bytes": dataset.size_bytes}


def validate(context: StepContext) -> Metrics:
    """The ZIP is safe, whole, and holds enough images; each gets its row with its checksum."""
    inventory = archive.inspect(context.raw, context.limits)
    verified = archive.verify(context.raw, inventory, context.limits)
    _record_entries(context, inventory, verified.digests)
    context.replace_findings("validate", [*inventory.findings, *verified.findings])
    return {
        "images": len(inventory.images),
        "rtk_files": len(inventory.rtk),
        "control_files": len(inventory.gcp),
        "ignored": len(inventory.ignored),
        "damaged": len(verified.damaged),
        "expanded_bytes": inventory.total_bytes,
    }


def _record_entries(context: StepContext, inventory: archive.Inventory, digests: Mapping[str, str]) -> None:
    """A row for each image and receiver file; rows of the same content stay, for later steps have filled them."""
    dataset_id = context.dataset.id
    known = ledger.list_images(context.ledger, dataset_id=dataset_id)
    if {row.zip_path: row.sha256 for row in known} == {
        entry.path: digests.get(entry.path) for entry in inventory.images
    }:
        return
    images, receiver_files = bare_images(inventory.images, digests), bare_rtk_files(inventory.rtk, digests)
    ledger.replace_images(context.ledger, dataset_id=dataset_id, images=images)
    ledger.replace_rtk_files(context.ledger, dataset_id=dataset_id, files=receiver_files)
