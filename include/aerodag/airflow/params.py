"""What a run of ``process_dataset`` may ask for, as the JSON schema behind the trigger form and the REST API."""

from __future__ import annotations

from airflow.sdk import Param

from aerodag.photogrammetry import ENGINES
from aerodag.photogrammetry.odm.planning.options import json_schema
from aerodag.photogrammetry.odm.planning.presets import PRESETS
from aerodag.photogrammetry.odm.stages import STAGES
from aerodag.settings import get_settings

USUAL_TASK_TYPES = ["odm_processing", "geotiff", "cog", "thumbnail", "metadata"]
TASK_TYPES = [*USUAL_TASK_TYPES, "indices"]
RESUMABLE = [stage.name for stage in STAGES if stage.name not in {"split", "merge"}]


def _image_list(title: str, description: str) -> Param:
    """Optional paths or patterns, one a line in the form."""
    return Param(
        None,
        type=["null", "array"],
        items={"type": "string", "minLength": 1},
        uniqueItems=True,
        title=title,
        description=description,
    )


# The modes of `aerodag.pipeline.reprocessing`, which a DAG file shall not load.
MODES = {
    "missing": "without a COG",
    "failed": "for a reason that may be gone",
    "outdated": "made by another version",
    "all": "whatever their state",
}
PRIORITIES = {1: "background", 2: "batch", 3: "normal", 4: "high", 5: "urgent"}


def _priority(default: int | None, description: str) -> Param:
    names = {str(number): f"{number}: {name}" for number, name in PRIORITIES.items()}
    kinds = ["integer"] if default else ["null", "integer"]
    return Param(
        default,
        type=kinds,
        enum=[*PRIORITIES] if default else [None, *PRIORITIES],
        values_display=names,
        title="Priority",
        description=description,
    )


_PRESET_NAMES = {name: f"{name}: {preset.description}" for name, preset in PRESETS.items()}

PROCESS_PARAMS = {
    "dataset_id": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Dataset",
        description="Id of a registered dataset. Give this or a source.",
    ),
    "source": Param(
        None,
        type=["null", "string"],
        minLength=1,
        title="Source",
        description="A ZIP or GeoTIFF in the incoming folder, by its name. It is registered first; known content is "
        "not doubled.",
    ),
    "priority": _priority(
        None, "Which runs go first where places, workers or the engine are short; the dataset's own when not given."
    ),
    "task_types": Param(
        USUAL_TASK_TYPES,
        type="array",
        items={"type": "string", "enum": TASK_TYPES},
        examples=TASK_TYPES,
        minItems=1,
        uniqueItems=True,
        title="What to make",
        description="odm_processing makes the orthophoto; the others are made from the newest orthophoto. indices: "
        "vegetation indices, as far as the camera has the bands for them.",
    ),
    "include_images": _image_list(
        "Include images", "Paths or patterns (flight2/*.JPG) of images to use although a check left them out."
    ),
    "exclude_images": _image_list(
        "Exclude images", "Paths or patterns of images to leave out, whatever the checks say."
    ),
    "preset": Param(
        "standard",
        type="string",
        enum=list(PRESETS),
        values_display=_PRESET_NAMES,
        title="Preset",
        description="What the survey is for; the embedded engine takes all but fast and draft for standard.",
    ),
    "engine": Param(
        "auto",
        type="string",
        enum=["auto", *ENGINES],
        title="Engine",
        description="auto takes the best engine that can run on this installation.",
    ),
    "gpu": Param(
        "auto",
        type="string",
        enum=["auto", "required", "off"],
        title="GPU",
        description="auto uses one where a container sees it, and goes on without it when it fails.",
    ),
    "resume_from": Param(
        None,
        type=["null", "string"],
        enum=[None, *RESUMABLE],
        title="Resume from",
        description="Stage of OpenDroneMap to start from, on the project folder of the dataset's last run.",
    ),
    "review": Param(
        None,
        type=["null", "boolean"],
        title="Review",
        description="true holds the run for a person before the engine starts, false never does; when not given, the "
        "pre-flight's verdict decides.",
    ),
    "engine_options": Param(
        {},
        **json_schema(models=get_settings().odm.models is not None),
        title="Engine options",
        description='Options of OpenDroneMap, for example {"orthophoto-resolution": 5} for pixels of 5 cm.',
    ),
}


def _moment(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date-time", title=title, description=description)


REPROCESS_PARAMS = {
    "mode": Param(
        "failed",
        type="string",
        enum=list(MODES),
        values_display={name: f"{name}: {meaning}" for name, meaning in MODES.items()},
        title="Which datasets",
        description="What is under way, waits, is in quarantine or failed too often is left alone in every mode.",
    ),
    "dry_run": Param(False, type="boolean", title="Dry run", description="Only say what would be done."),
    "uploaded_from": _moment("Uploaded from", "Start of the time span; that of the schedule or backfill if not given."),
    "uploaded_to": _moment("Uploaded to", "End of the time span, not part of it."),
    "task_types": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "enum": TASK_TYPES},
        examples=TASK_TYPES,
        uniqueItems=True,
        title="What to make",
        description="As in the dataset's newest run when not given.",
    ),
    "preset": Param(
        None,
        type=["null", "string"],
        enum=[None, *PRESETS],
        values_display=_PRESET_NAMES,
        title="Preset",
        description="As in the dataset's newest run when not given.",
    ),
    "engine": PROCESS_PARAMS["engine"],
    "priority": _priority(1, "Background by default, so that new uploads go first."),
}
