"""The run in numbers: ODM's report files with ODM's keys, and what this engine adds under ``aerodag``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.embedded.poses.alignment import Alignment
from aerodag.photogrammetry.embedded.poses.cameras import View
from aerodag.photogrammetry.embedded.product import Product

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """About the run itself."""

    seconds: dict[str, float]
    total_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    versions: dict[str, str]


def gps_residuals(alignment: Alignment, views: Sequence[View]) -> Array:
    """Reconstructed minus measured camera position, metres east, north, up; (n, 3), NaN without a measurement."""
    centres = np.array([view.centre for view in views])
    return np.asarray(centres - alignment.priors.positions[[view.index for view in views]])


def statistics(alignment: Alignment, product: Product, findings: Sequence[Finding], facts: RunFacts) -> dict[str, Any]:
    """Content of stats.json."""
    residuals = gps_residuals(alignment, product.views)
    return {
        "processing_statistics": _processing(alignment, product, facts),
        "features_statistics": {"detected_features": _spread(alignment.result.facts["features"])},
        "reconstruction_statistics": _reconstruction(alignment, product),
        "gps_errors": _gps_errors(residuals),
        "odm_processing_statistics": {
            "total_time": facts.total_seconds,
            "total_time_human": f"{int(facts.total_seconds // 60)} min {facts.total_seconds % 60:.0f} s",
            "average_gsd": product.native_gsd * 100.0,
        },
        "aerodag": _own(alignment, product, residuals, findings, facts),
    }


def _processing(alignment: Alignment, product: Product, facts: RunFacts) -> dict[str, Any]:
    times = sorted(str(i.captured_at) for i in alignment.survey.images if i.captured_at is not None)
    return {
        "steps_times": facts.seconds,
        "area": product.covered_area,
        "start_date": times[0] if times else None,
        "end_date": times[-1] if times else None,
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    array = np.asarray(values, dtype=float)
    return {
        "min": float(array.min()),
        "max": float(array.max()),
        "mean": float(array.mean()),
        "median": float(np.median(array)),
    }


def _reconstruction(alignment: Alignment, product: Product) -> dict[str, Any]:
    points = alignment.result.points
    return {
        "components": len(alignment.result.facts["models"]),
        "has_gps": True,
        "has_gcp": False,
        "initial_shots_count": alignment.survey.found,
        "reconstructed_shots_count": len(product.views),
        "reconstructed_points_count": len(points),
        "observations_count": int(points[:, 4].sum()),
        "average_track_length": float(points[:, 4].mean()),
        "reprojection_error_pixels": reprojection_error(alignment),
    }


def reprojection_error(alignment: Alignment) -> float:
    """Mean reprojection error in pixels of the stored images, weighted by observations."""
    points = alignment.result.points
    return float(np.average(points[:, 5], weights=points[:, 4]))


def _gps_errors(residuals: Array) -> dict[str, Any]:
    """As OpenSfM: mean, standard deviation and RMS per axis; CE90 and LE90 are 90th percentiles."""
    known = residuals[np.isfinite(residuals).all(axis=1)]
    horizontal = np.hypot(known[:, 0], known[:, 1])
    return {
        "mean": _axes(known.mean(axis=0)),
        "std": _axes(known.std(axis=0)),
        "error": _axes(np.sqrt((known**2).mean(axis=0))),
        "average_error": float(np.linalg.norm(known, axis=1).mean()),
        "ce90": float(np.percentile(horizontal, 90)),
        "le90": float(np.percentile(np.abs(known[:, 2]), 90)),
    }


def _axes(values: Array) -> dict[str, float]:
    return {axis: float(value) for axis, value in zip("xyz", values, strict=True)}


def _own(
    alignment: Alignment, product: Product, residuals: Array, findings: Sequence[Finding], facts: RunFacts
) -> dict[str, Any]:
    result = alignment.result
    registered = {view.name for view in product.views}
    length = np.linalg.norm(residuals, axis=1)
    worst = int(np.nanargmax(length))
    return {
        "engine": "embedded",
        "versions": facts.versions,
        "epsg": alignment.priors.frame.epsg,
        "images": {
            "found": alignment.survey.found,
            "usable": len(alignment.survey.images),
            "with_gps": int(alignment.priors.known.sum()),
            "with_fixed_rtk": int(alignment.priors.rtk.sum()),
            "registered": sorted(registered),
            "unregistered": sorted(i.name for i in alignment.survey.images if i.name not in registered),
        },
        "models": result.facts["models"],
        "relaxed": alignment.job.relaxed,
        "pairs": {
            "tried": len(alignment.job.pairs),
            "verified": result.facts["pairs_verified"],
            "inliers_median": result.facts["inliers_median"],
        },
        "cameras": _cameras(alignment, product.views),
        "worst_gps_residual": {"image": product.views[worst].name, "metres": float(length[worst])},
        "mean_tilt_difference_deg": _tilt_difference(alignment, product.views),
        "flying_height_m": product.flying_height,
        "native_gsd_cm": product.native_gsd * 100.0,
        "gsd_cm": product.gsd * 100.0,
        "size": [product.grid.width, product.grid.height],
        "surface": {"points": product.surface_points, "spacing_m": product.surface.spacing},
        "covered_area_m2": product.covered_area,
        "mean_overlap": product.mean_overlap,
        "seams": asdict(product.seams) | _in_cm(product),
        "decodes": product.decodes,
        "cpu_seconds": facts.cpu_seconds,
        "peak_rss_bytes": facts.peak_rss_bytes,
        "findings": [asdict(finding) for finding in findings],
    }


def _in_cm(product: Product) -> dict[str, float | None]:
    scale = product.gsd * 100.0
    median, p90 = product.seams.median_px, product.seams.p90_px
    return {"median_cm": None if median is None else median * scale, "p90_cm": None if p90 is None else p90 * scale}


def _cameras(alignment: Alignment, views: Sequence[View]) -> list[dict[str, Any]]:
    entries = []
    for group in alignment.groups:
        member = next((view for view in views if view.index in group.members), None)
        if member is not None:
            camera = member.camera
            entries.append(
                {
                    "camera": group.label,
                    "focal_px_given": group.focal_px if group.focal_known else None,
                    "focal_px": camera.focal,
                    "focal": alignment.result.facts["models"][member.model]["focal"],
                    "k1": camera.k1,
                    "k2": camera.k2,
                }
            )
    return entries


def _tilt_difference(alignment: Alignment, views: Sequence[View]) -> float | None:
    """Mean difference of a view's tilt from nadir against the gimbal's pitch, degrees."""
    pairs = [
        (view.axis[2], pitch) for view in views if (pitch := alignment.survey.images[view.index].pitch) is not None
    ]
    if not pairs:
        return None
    return float(np.mean([abs(np.degrees(np.arccos(np.clip(-z, -1.0, 1.0))) - (90.0 + pitch)) for z, pitch in pairs]))


def verdicts(alignment: Alignment, product: Product, requested_cm: float | None) -> list[Finding]:
    """Warnings about a finished result."""
    usable, registered = len(alignment.survey.images), len(product.views)
    residual = float(np.nanmax(np.abs(gps_residuals(alignment, product.views))))
    error = reprojection_error(alignment)
    seam = product.seams.median_px
    models = len(alignment.result.facts["models"])
    overlap = "More overlap or sharper images would tie them in."
    checks = [
        (registered < 0.9 * usable, "engine.images_left_out", f"{registered} of {usable} images are placed.", overlap),
        (models > 1, "engine.several_blocks", f"The mosaic consists of {models} unconnected blocks.", overlap),
        (
            error > 2.0,
            "engine.high_reprojection_error",
            f"Tie points miss by {error:.1f} pixels on average.",
            "Look for motion blur or a wrong focal length.",
        ),
        (
            residual > 3.0,
            "engine.gps_outlier",
            f"A camera lies {residual:.1f} m off its GPS position.",
            "See worst_gps_residual for the image.",
        ),
        (
            seam is not None and seam > 3.0,
            "engine.rough_seams",
            f"Images disagree by {seam or 0.0:.1f} pixels at seams.",
            "Trees and buildings need more overlap or the odm engine.",
        ),
        (
            any(not group.focal_known for group in alignment.groups),
            "engine.focal_unknown",
            "A camera's focal length is unknown and was estimated.",
            "Heights and scale are less certain.",
        ),
        (
            requested_cm is not None and requested_cm < product.native_gsd * 100.0,
            "engine.resolution_capped",
            f"{requested_cm} cm per pixel is finer than the images' {product.native_gsd * 100.0:.2f} cm.",
            "The native GSD was used.",
        ),
    ]
    return [Finding(Severity.WARNING, code, text, advice) for true, code, text, advice in checks if true]


def write_shots(alignment: Alignment, views: Sequence[View], target: Path) -> None:
    """Registered images as WGS84 points, with ODM's properties."""
    labels = {index: group.label for group in alignment.groups for index in group.members}
    frame = alignment.priors.frame
    origin = np.asarray(frame.origin)
    places = frame.to_wgs84(np.array([view.centre for view in views]))
    features = []
    for view, place in zip(views, places, strict=True):
        captured = alignment.survey.images[view.index].captured_at
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "filename": view.name,
                    "camera": labels[view.index],
                    "focal": view.camera.focal / max(view.camera.width, view.camera.height),
                    "width": view.camera.width,
                    "height": view.camera.height,
                    "capture_time": None if captured is None else captured.timestamp(),
                    "translation": (view.centre + origin).tolist(),
                    "rotation": _axis_angle(view.pose[:, :3]),
                    "model": view.model,
                },
                "geometry": {"type": "Point", "coordinates": place.tolist()},
            }
        )
    write_json(target, {"type": "FeatureCollection", "features": features})


def _axis_angle(rotation: Array) -> list[float]:
    from scipy.spatial.transform import Rotation

    return [float(value) for value in Rotation.from_matrix(rotation).as_rotvec()]


def write_cameras(alignment: Alignment, views: Sequence[View], target: Path) -> None:
    """Intrinsics as OpenSfM's ``radial`` projection: focal length over the longer side."""
    cameras = {}
    for group in alignment.groups:
        member = next((view for view in views if view.index in group.members), None)
        if member is not None:
            camera = member.camera
            cameras[group.label] = {
                "projection_type": "radial",
                "width": camera.width,
                "height": camera.height,
                "focal": camera.focal / max(camera.width, camera.height),
                "k1": camera.k1,
                "k2": camera.k2,
            }
    write_json(target, cameras)


def write_json(target: Path, content: dict[str, Any]) -> None:
    """Write whole or not at all."""
    partial = target.with_name(f".{target.name}.part")
    partial.write_text(json.dumps(content, indent=1, default=str))
    partial.replace(target)
