"""A plan as OpenDroneMap's command line."""

from __future__ import annotations

from pathlib import Path

from aerodag.photogrammetry.odm.planning.options import Value
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.planning.resume import Resume


def arguments(plan: OdmPlan, resume: Resume | None = None) -> list[str]:
    """Everything but the project's place, sorted by option, the same for the same plan.

    geo.txt and gcp_list.txt are not named: ODM finds them in the project. The boundary goes as JSON text, so that it
    means the same wherever the engine runs.
    """
    options: dict[str, Value] = {**plan.options, "max-concurrency": plan.max_concurrency}
    if not plan.gpu.granted:
        options["no-gpu"] = True
    if plan.positions.accuracy_m is not None:
        options["gps-accuracy"] = plan.positions.accuracy_m
    if plan.boundary is not None:
        options["boundary"] = plan.boundary
    if resume is not None and resume.rerun_from is not None:
        options["rerun-from"] = resume.rerun_from
    return [word for name, option in sorted(options.items()) for word in _words(name, option)]


def project_arguments(project: Path) -> list[str]:
    """Where the project lies, in ODM's split form: the folder above it and its name."""
    return ["--project-path", str(project.parent), project.name]


def _words(name: str, option: Value) -> list[str]:
    if isinstance(option, bool):
        return [f"--{name}"] if option else []
    if isinstance(option, float):
        return [f"--{name}", f"{option:.6f}".rstrip("0").rstrip(".")]  # argparse takes -1e-05 for an option
    return [f"--{name}", str(option)]
