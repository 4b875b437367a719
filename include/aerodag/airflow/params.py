"""What a run of ``process_dataset`` may ask for, as the JSON schema behind the trigger form and the REST API."""

from __future__ import annotations

from airflow.sdk import Param

TASK_TYPES = ["odm_processing", "geotiff", "cog", "thumbnail", "metadata"]
PRESETS = ["fast", "standard"]
ENGINES = ["auto", "embedded"]


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
        description="A ZIP in the incoming folder, by its name. It is registered first; known content is not doubled.",
    ),
    "task_types": Param(
        TASK_TYPES,
        type="array",
        items={"type": "string", "enum": TASK_TYPES},
        examples=TASK_TYPES,
        minItems=1,
        uniqueItems=True,
        title="What to make",
        description="odm_processing makes the orthophoto; the others are made from the newest orthophoto.",
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
        enum=PRESETS,
        title="Preset",
        description="standard: native resolution. fast: smaller features and 5 cm pixels.",
    ),
    "engine": Param(
        "auto",
        type="string",
        enum=ENGINES,
        title="Engine",
        description="auto takes the best engine that can run on this installation.",
    ),
    "engine_options": Param(
        {},
        type="object",
        properties={
            "orthophoto_resolution_cm": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000},
        },
        additionalProperties=False,
        title="Engine options",
        description='For example {"orthophoto_resolution_cm": 5}; never finer than the images.',
    ),
}
