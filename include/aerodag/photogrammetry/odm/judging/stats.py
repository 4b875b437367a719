"""The figures of ODM's ``stats.json`` under flat names, and who was registered."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

Figures = dict[str, float | int | str | bool | None]

_MOST_BYTES: Final = 256 << 20
_CHUNK: Final = 1 << 20
_LONGEST_KEY: Final = 300
_SHOT_KEY = re.compile(rb'"((?:[^"\\]|\\.){1,255})"\s*:\s*\{')

# Name in the ledger: keys in stats.json.
_FIGURES: Mapping[str, tuple[str, ...]] = {
    "area_m2": ("processing_statistics", "area"),
    "captured_from": ("processing_statistics", "start_date"),
    "captured_to": ("processing_statistics", "end_date"),
    "components": ("reconstruction_statistics", "components"),
    "has_gps": ("reconstruction_statistics", "has_gps"),
    "has_gcp": ("reconstruction_statistics", "has_gcp"),
    "initial_shots": ("reconstruction_statistics", "initial_shots_count"),
    "shots": ("reconstruction_statistics", "reconstructed_shots_count"),
    "points": ("reconstruction_statistics", "reconstructed_points_count"),
    "average_track_length": ("reconstruction_statistics", "average_track_length"),
    "reprojection_error_normalized": ("reconstruction_statistics", "reprojection_error_normalized"),
    "reprojection_error_pixels": ("reconstruction_statistics", "reprojection_error_pixels"),
    "reprojection_error_angular": ("reconstruction_statistics", "reprojection_error_angular"),
    "dense": ("point_cloud_statistics", "dense"),
    "point_cloud_points": ("point_cloud_statistics", "stats", "statistic", "0", "count"),
    "total_seconds": ("odm_processing_statistics", "total_time"),
    "total_time": ("odm_processing_statistics", "total_time_human"),
    "average_gsd_cm": ("odm_processing_statistics", "average_gsd"),
    "dsm_min_m": ("dsm_statistics", "min"),
    "dsm_max_m": ("dsm_statistics", "max"),
    "dsm_mean_m": ("dsm_statistics", "mean"),
}  # fmt: skip
_ERRORS = {"gps_errors": "gps", "gcp_errors": "gcp", "3d_errors": "3d"}
_ERROR_FIGURES = ("average_error", "ce90", "le90")
_AXES = ("x", "y", "z")


def read_json(path: Path) -> Any:
    """A JSON file's content; None where it is missing, too large for a report, or no JSON."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def figures(content: object) -> Figures:
    """What ``stats.json`` says, by flat names: metres, seconds, pixels, centimetres for the GSD.

    Errors are ``gps_mean_x_m``, ``gps_std_z_m``, ``gps_ce90_m`` and so on, for ``gcp`` and ``3d`` too. Only finite
    numbers, texts and truth values; what is missing is left out.
    """
    found = {name: _plain(_at(content, keys)) for name, keys in _FIGURES.items()}
    for key, short in _ERRORS.items():
        for figure in _ERROR_FIGURES:
            found[f"{short}_{figure}_m"] = _number(_at(content, (key, figure)))
        for kind in ("mean", "std", "error"):
            for axis in _AXES:
                found[f"{short}_{kind}_{axis}_m"] = _number(_at(content, (key, kind, axis)))
    return {name: value for name, value in found.items() if value is not None}


def _at(content: object, keys: tuple[str, ...]) -> object:
    for key in keys:
        if isinstance(content, Mapping):
            content = content.get(key)
        elif isinstance(content, list) and key.isdecimal() and int(key) < len(content):
            content = content[int(key)]
        else:
            return None
    return content


def _number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 else None


def _plain(value: object) -> float | int | str | bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value[:100].replace("\x00", "")
    return _number(value)


def registered(project: Path, images: Collection[str]) -> frozenset[str] | None:
    """Which of ``images`` ODM placed; None where nothing tells.

    From ``odm_report/shots.geojson``, which is written before the report and without it too, else from OpenSfM's own
    reconstruction.
    """
    shots = _features(read_json(project / "odm_report" / "shots.geojson"))
    if shots is not None:
        return frozenset(images) & shots
    return _in_reconstruction(project / "opensfm" / "reconstruction.json", images)


def _features(content: object) -> frozenset[str] | None:
    features = content.get("features") if isinstance(content, Mapping) else None
    if not isinstance(features, list):
        return None
    names = (_at(feature, ("properties", "filename")) for feature in features)
    return frozenset(name for name in names if isinstance(name, str))


def _in_reconstruction(path: Path, images: Collection[str]) -> frozenset[str] | None:
    """Keys of objects that are our images' names: the file can have gigabytes of points, so it is read in pieces."""
    wanted = {json.dumps(image)[1:-1].encode(): image for image in images}
    wanted |= {json.dumps(image, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"): image for image in images}
    found: set[str] = set()
    try:
        with path.open("rb") as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                text = rest + chunk
                found.update(wanted[match[1]] for match in _SHOT_KEY.finditer(text) if match[1] in wanted)
                rest = text[-_LONGEST_KEY:]
    except OSError:
        return None
    return frozenset(found)


def unregistered_geojson(images: Mapping[str, tuple[float, float] | None], reasons: Mapping[str, str]) -> str:
    """A FeatureCollection of the images in ``reasons``, at their positions (WGS84; null geometry where unknown)."""
    features = []
    for name in sorted(reasons):
        place = images.get(name)
        known = place is not None and all(math.isfinite(value) for value in place)
        features.append({
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": list(place)} if place is not None and known else None,
            "properties": {"filename": name, "reason": reasons[name]},
        })  # fmt: skip
    return json.dumps({"type": "FeatureCollection", "features": features}, allow_nan=False)
