"""Ground truth beside the survey: orthophoto, heights, cameras."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rasterio
from rasterio.transform import from_origin

from aerodag.simulate.flight import Datum, Shot
from aerodag.simulate.scene import Scene
from aerodag.simulate.survey import Survey


def write_orthophoto(path: Path, scene: Scene, frame: Datum) -> None:
    """The land from straight above, RGB GeoTIFF in UTM."""
    with rasterio.open(path, "w", **_profile(scene, frame, bands=3, dtype="uint8", predictor=2)) as file:
        for band in range(3):
            file.write(scene.texture[..., band], band + 1)


def write_heights(path: Path, scene: Scene, frame: Datum) -> None:
    """Ellipsoidal heights of the surface with buildings and trees, float32 GeoTIFF on the orthophoto's grid."""
    with rasterio.open(path, "w", **_profile(scene, frame, bands=1, dtype="float32", predictor=3)) as file:
        file.write(scene.heights, 1)


def write_cameras(path: Path, survey: Survey, frame: Datum, shots: Sequence[Shot]) -> None:
    """True lens and poses, and what the drone measured, as JSON."""
    lens = survey.lens
    document = {
        "crs": f"EPSG:{frame.epsg}",
        "heights": "metres above the WGS84 ellipsoid",
        "camera": {
            "model": "RADIAL",
            "pixel_origin": "outer corner of the first pixel, whose centre is (0.5, 0.5)",
            **asdict(lens),
            "principal_point": [lens.width / 2, lens.height / 2],
        },
        "ground_sampling_distance": survey.ground_sampling_distance,
        "images": [_camera(frame, shot) for shot in shots],
    }
    path.write_text(json.dumps(document, indent=1) + "\n")


def _camera(frame: Datum, shot: Shot) -> dict[str, Any]:
    pose, fix = shot.pose, shot.fix
    return {
        "name": shot.name,
        "captured_at": shot.captured_at.isoformat(),
        "centre": [frame.east + pose.east, frame.north + pose.north, pose.up],
        "rotation_camera_from_world": pose.rotation.tolist(),
        "yaw_pitch_roll": [pose.yaw, pose.pitch, pose.roll],
        "measured": None
        if fix is None
        else {
            "longitude": fix.longitude,
            "latitude": fix.latitude,
            "height": fix.height,
            "std_n_e_u": [fix.deviation.north_m, fix.deviation.east_m, fix.deviation.up_m],
        },
    }


def _profile(scene: Scene, frame: Datum, *, bands: int, dtype: str, predictor: int) -> dict[str, Any]:
    grid = scene.grid
    return {
        "driver": "GTiff",
        "width": grid.cols,
        "height": grid.rows,
        "count": bands,
        "dtype": dtype,
        "crs": f"EPSG:{frame.epsg}",
        "transform": from_origin(frame.east + grid.west, frame.north + grid.north, grid.texel, grid.texel),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "interleave": "band",
        "compress": "deflate",
        "zlevel": 1,
        "predictor": predictor,
        "num_threads": "all_cpus",
    }
