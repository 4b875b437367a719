"""The steps by name. A step's module is imported when it runs, so that no task pays for the libraries of another."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass

from aerodag.ledger import Run
from aerodag.pipeline.context import Metrics, StepContext


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A step: the module of ``aerodag.pipeline`` with the function of its name, and the task type that asks for it."""

    name: str
    module: str
    task_type: str | None = None

    def wanted(self, run: Run) -> bool:
        """Whether the run asked for this step."""
        return self.task_type is None or self.task_type in run.task_types

    @property
    def works_on_run(self) -> bool:
        """Whether the run is under way while this step runs; cleanup only tidies up after it."""
        return self.name != "cleanup"

    def work(self, context: StepContext) -> Metrics:
        """Run the step; returns its metrics."""
        metrics: Metrics = pkgutil.resolve_name(f"aerodag.pipeline.{self.module}:{self.name}")(context)
        return metrics


STEPS = {
    step.name: step
    for step in (
        StepSpec("stage", "intake"),
        StepSpec("validate", "intake", "odm_processing"),
        StepSpec("extract_metadata", "imagery", "odm_processing"),
        StepSpec("assess_images", "imagery", "odm_processing"),
        StepSpec("preflight", "preflight", "odm_processing"),
        StepSpec("plan_engine", "planning", "odm_processing"),
        StepSpec("odm", "reconstruction", "odm_processing"),
        StepSpec("publish_ortho", "reconstruction", "odm_processing"),
        StepSpec("standardise", "products", "geotiff"),
        StepSpec("cog", "products", "cog"),
        StepSpec("thumbnail", "products", "thumbnail"),
        StepSpec("metadata", "products", "metadata"),
        StepSpec("finish", "outcome"),
        StepSpec("cleanup", "outcome"),
    )
}
