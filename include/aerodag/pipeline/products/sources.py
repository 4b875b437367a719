"""What a product is made from, and whether it was made from this very thing before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aerodag import ledger
from aerodag.errors import EngineError, InfrastructureError
from aerodag.ledger import Artifact
from aerodag.pipeline.context import StepContext
from aerodag.storage import sha256_of

RECIPE = "recipe"


@dataclass(frozen=True, slots=True)
class Source:
    """A recorded product and its file, which was what the record says when it was looked at."""

    artifact: Artifact
    path: Path

    @contextmanager
    def held(self) -> Iterator[Path]:
        """The file, and the certainty afterwards that nobody replaced it meanwhile.

        Raises:
            InfrastructureError: ``product.source_replaced``.
        """
        before = _signature(self.path)
        yield self.path
        if _signature(self.path) != before and sha256_of(self.path) != self.artifact.sha256:
            raise InfrastructureError(
                "product.source_replaced",
                f"The {self.artifact.kind} {self.path.name} was replaced while it was worked on.",
                advice="It is tried again on what is on record then.",
            )


def find_source(context: StepContext, kind: str, name: str = "") -> Source | None:
    """This run's product of a kind, else the current one; None where there is none.

    Raises:
        EngineError: ``product.source_changed`` when it is not the file that was recorded.
    """
    artifact = ledger.source_artifact(
        context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, kind=kind, name=name
    )
    if artifact is None:
        return None
    path = context.storage.verified(artifact.uri, size=artifact.bytes, sha256=artifact.sha256)
    if path is None:
        raise EngineError(
            "product.source_changed",
            f"The {kind} at {artifact.uri} is not the file that was recorded.",
            advice=f"Clear the task that makes the {kind}, with everything after it.",
        )
    return Source(artifact, path)


def require_source(context: StepContext, kind: str, name: str = "") -> Source:
    """As `find_source`. Raises ``EngineError`` ``product.source_missing`` where there is none."""
    source = find_source(context, kind, name)
    if source is None:
        raise EngineError(
            "product.source_missing",
            f"Dataset {context.dataset.id} has no {kind} yet.",
            advice="Run it with all task types first.",
        )
    return source


def made_before(context: StepContext, kind: str, recipe: dict[str, Any], name: str = "") -> Artifact | None:
    """This run's product when it was made by this very recipe (sources and options) and is still there."""
    artifact = ledger.source_artifact(
        context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, kind=kind, name=name
    )
    if artifact is None or artifact.run_id != context.run.id or artifact.details.get(RECIPE) != recipe:
        return None
    path = context.storage.verified(artifact.uri, size=artifact.bytes, sha256=artifact.sha256)
    return artifact if path is not None else None


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
