"""The steps by name. A step's module is imported when it runs, so that no task pays for the libraries of another."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field

from aerodag.ledger import Dataset, Run
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.storage import explained

ANY_UPLOAD = frozenset({"raw_images_zip", "geotiff"})
IMAGES = frozenset({"raw_images_zip"})


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step: the module of ``aerodag.pipeline`` with the function of its name, and what asks for it.

    ``task_types``: the run asks for one of them, or none is needed. ``uploads``: kinds of upload that it is for.
    """

    name: str
    module: str
    task_types: frozenset[str] = field(default=frozenset())
    uploads: frozenset[str] = ANY_UPLOAD

    def not_wanted(self, run: Run, dataset: Dataset) -> str | None:
        """Why the run skips this step; None where it does not."""
        if dataset.upload_type not in self.uploads:
            return "A GeoTIFF has no images to work on."
        if self.task_types and self.task_types.isdisjoint(requested(run, dataset)):
            return f"The run did not ask for {' or '.join(sorted(self.task_types))}."
        return None

    @property
    def works_on_run(self) -> bool:
        """Whether the run is under way while this step runs; cleanup only tidies up after it."""
        return self.name != "cleanup"

    def work(self, context: StepContext) -> Metrics:
        """Run the step; returns its metrics. A failing disk is an ``InfrastructureError`` whatever the step."""
        try:
            metrics: Metrics = pkgutil.resolve_name(f"aerodag.pipeline.{self.module}:{self.name}")(context)
        except OSError as error:
            if error.filename is None and error.errno is None:
                raise
            raise explained(error) from error
        return metrics


def not_wanted(run: Run, dataset: Dataset) -> dict[str, str]:
    """The steps that a run skips, by name, and why."""
    return {name: reason for name, step in STEPS.items() if (reason := step.not_wanted(run, dataset))}


def requested(run: Run, dataset: Dataset) -> frozenset[str]:
    """The task types of a run. To prepare an uploaded GeoTIFF, it has to be taken over first."""
    asked = frozenset(run.task_types)
    return asked | {"odm_processing"} if dataset.upload_type == "geotiff" and "geotiff" in asked else asked


_ODM = frozenset({"odm_processing"})
STEPS = {
    step.name: step
    for step in (
        StepSpec("stage", "intake"),
        StepSpec("validate", "intake", _ODM, IMAGES),
        StepSpec("extract_metadata", "imagery", _ODM, IMAGES),
        StepSpec("assess_images", "imagery", _ODM, IMAGES),
        StepSpec("preflight", "preflight", _ODM, IMAGES),
        StepSpec("review", "review", _ODM, IMAGES),
        StepSpec("plan_engine", "planning", _ODM, IMAGES),
        StepSpec("odm", "reconstruction", _ODM, IMAGES),
        StepSpec("publish_ortho", "products.orthophoto", _ODM),
        StepSpec("standardise", "products.rasters", frozenset({"geotiff"})),
        StepSpec("cog", "products.rasters", frozenset({"cog"})),
        StepSpec("thumbnail", "products.rasters", frozenset({"thumbnail"})),
        StepSpec("indices", "products.vegetation", frozenset({"indices"})),
        StepSpec("metadata", "products.facts", frozenset({"metadata"})),
        StepSpec("promote", "outcome"),
        StepSpec("stac", "products.catalogue"),
        StepSpec("finish", "outcome"),
        StepSpec("cleanup", "outcome"),
    )
}
