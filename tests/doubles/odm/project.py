"""Project directories for ODM's double."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

STAGES = (
    "dataset",
    "split",
    "merge",
    "opensfm",
    "openmvs",
    "odm_filterpoints",
    "odm_meshing",
    "mvs_texturing",
    "odm_georeferencing",
    "odm_dem",
    "odm_orthophoto",
    "odm_report",
    "odm_postprocess",
)


def make_project(work: Path, *, images: int = 3, **scenario: object) -> Path:
    """``work``/project with so many (empty) images and a scenario of the double."""
    project = work / "project"
    (project / "images").mkdir(parents=True)
    for number in range(1, images + 1):
        (project / "images" / f"DJI_{number:04d}.JPG").touch()
    choose(project, **scenario)
    return project


def choose(project: Path, **scenario: object) -> None:
    """What the double does from its next start on: the variables of run.sh by name."""
    place = project / ".double"
    place.mkdir(exist_ok=True)
    (place / "scenario").write_text("".join(f"{name}='{value}'\n" for name, value in scenario.items()))


def starts(project: Path) -> list[str]:
    """One line for each container that ever started on this project."""
    record = project / ".double" / "starts"
    return record.read_text().splitlines() if record.exists() else []


def give_outputs(
    project: Path, *, west: float, north: float, epsg: int | None = 32632, metres: float = 100.0, pixel: float = 0.5
) -> None:
    """What the double shall make: an RGBA orthophoto with its upper left corner at ``west``, ``north``, and a report.

    Without ``epsg`` it is not georeferenced; a wide one of few opaque pixels is made by large ``metres``.
    """
    outputs = project / ".double" / "outputs"
    size = round(metres / pixel)
    bands = np.zeros((4, size, size), dtype=np.uint8)
    opaque = slice(0, min(size, 200))
    bands[0:3, opaque, opaque] = np.random.default_rng(1).integers(60, 200, bands[0:3, opaque, opaque].shape)
    bands[3, opaque, opaque] = 255
    place = {} if epsg is None else {"crs": f"EPSG:{epsg}", "transform": from_origin(west, north, pixel, pixel)}
    (outputs / "odm_orthophoto").mkdir(parents=True)
    with rasterio.open(
        outputs / "odm_orthophoto" / "odm_orthophoto.tif",
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=4,
        dtype="uint8",
        compress="deflate",
        tiled=True,
        **place,
    ) as file:
        file.write(bands)
    give_report(project)


def give_report(project: Path, *, left_out: int = 0) -> None:
    """stats.json and shots.geojson as of a run that did without the last ``left_out`` images."""
    names = sorted(path.name for path in (project / "images").iterdir())
    used = names[: len(names) - left_out]
    report = project / ".double" / "outputs" / "odm_report"
    report.mkdir(parents=True, exist_ok=True)
    shots = [
        {
            "type": "Feature",
            "properties": {"filename": name, "camera": "v2 dji", "capture_time": 0, "translation": [0, 0, 60]},
            "geometry": {"type": "Point", "coordinates": [9.0, 47.0, 60.0]},
        }
        for name in used
    ]
    (report / "shots.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": shots}))
    statistics = {
        "processing_statistics": {"area": 10000.0, "start_date": "01/05/2026", "end_date": "01/05/2026"},
        "reconstruction_statistics": {
            "components": 1,
            "has_gps": True,
            "has_gcp": False,
            "initial_shots_count": len(names),
            "reconstructed_shots_count": len(used),
            "reconstructed_points_count": 1000 * len(used),
            "reprojection_error_pixels": 0.6,
        },
        "gps_errors": {"average_error": 0.4},
        "odm_processing_statistics": {"total_time": 60.0, "average_gsd": 2.0},
    }
    (report / "stats.json").write_text(json.dumps(statistics))
