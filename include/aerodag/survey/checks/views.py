"""What one exposure alone tells: where the camera looked, the light, and its zoom beside that of its fellows."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC

import numpy as np
from astral import Observer
from astral.sun import elevation

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.columns import Columns
from aerodag.survey.exposure import Exposure

# Of exif_local only the camera's own clock is known, and the sun follows UTC.
TRUE_UTC = frozenset({"exif", "exif_derived", "gps", "xmp", "mrk"})
_ZOOM_STEP = 0.01


def pitch_findings(table: Columns, checks: Checks) -> list[Finding]:
    """``image.pitch`` where the horizon is in view, ``image.oblique`` where the camera does not look down."""
    found = []
    for index in np.flatnonzero(np.isfinite(table.pitch)):
        pitch, path = float(table.pitch[index]), table.path(index)
        if pitch > checks.max_pitch_deg:
            found.append(_horizon(path, pitch, checks))
        elif abs(pitch + 90.0) > checks.nadir_pitch_deg + 90.0:
            found.append(_oblique(path, pitch, checks))
    return found


def sun_findings(table: Columns, checks: Checks) -> list[Finding]:
    """``image.low_sun`` where place and true UTC are known and the sun stood low (long shadows, blue light)."""
    found = []
    for index in np.flatnonzero(table.located & table.timed):
        exposure = table.exposures[index]
        if exposure.captured_source not in TRUE_UTC or exposure.captured_at is None:
            continue
        moment = exposure.captured_at.astimezone(UTC) if exposure.captured_at.tzinfo else exposure.captured_at
        observer = Observer(float(table.latitude[index]), float(table.longitude[index]), 0.0)
        degrees = elevation(observer, moment)
        if degrees < checks.min_sun_elevation_deg:
            found.append(_low_sun(exposure.zip_path, degrees, f"{moment:%Y-%m-%d %H:%M} UTC", checks))
    return found


def zoom_findings(table: Columns) -> list[Finding]:
    """``image.zoom_mismatch`` where the digital zoom differs from that of most images of the same sensor.

    Digital zoom enlarges the picture while the focal length in its header stays, so one camera model cannot fit both.
    No entry and 0 mean no digital zoom (Exif 3.0, DigitalZoomRatio), that is 1.
    """
    sensors: defaultdict[tuple[object, ...], list[tuple[str, float]]] = defaultdict(list)
    for exposure in table.exposures:
        sensors[_sensor(exposure)].append((exposure.zip_path, _zoom(exposure)))
    found = []
    for images in sensors.values():
        counts = Counter(zoom for _, zoom in images)
        usual = max(counts, key=lambda zoom: (counts[zoom], -zoom))
        odd = [(path, zoom) for path, zoom in images if abs(zoom / usual - 1.0) > _ZOOM_STEP]
        found += [_zoomed(path, zoom, usual, counts[usual], len(images)) for path, zoom in odd]
    return found


def _sensor(exposure: Exposure) -> tuple[object, ...]:
    return exposure.sensor_group, exposure.make, exposure.model, exposure.width, exposure.height


def _zoom(exposure: Exposure) -> float:
    zoom = exposure.digital_zoom
    return round(float(zoom), 2) if zoom is not None and 0.1 <= zoom <= 1000 else 1.0


def _horizon(path: str, pitch: float, checks: Checks) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.pitch",
        f"The gimbal stood at a pitch of {pitch:.1f}°, above the limit of {checks.max_pitch_deg:g}°: the horizon is in "
        "view (-90° looks straight down).",
        "Leave out pictures of the horizon; point the camera down for mapping.",
        path,
        {"pitch_deg": round(pitch, 2), "max_pitch_deg": checks.max_pitch_deg},
    )


def _oblique(path: str, pitch: float, checks: Checks) -> Finding:
    return Finding(
        Severity.INFO,
        "image.oblique",
        f"An oblique view: the gimbal pitch of {pitch:.1f}° is more than {checks.nadir_pitch_deg + 90:g}° off nadir "
        "(-90°).",
        "Oblique views help models of facades; for an orthophoto alone, fly with the camera straight down.",
        path,
        {"pitch_deg": round(pitch, 2), "nadir_pitch_deg": checks.nadir_pitch_deg},
    )


def _low_sun(path: str, degrees: float, moment: str, checks: Checks) -> Finding:
    limit = checks.min_sun_elevation_deg
    where = f"{degrees:.1f}° above" if degrees >= 0 else f"{-degrees:.1f}° below"
    return Finding(
        Severity.WARNING,
        "image.low_sun",
        f"The sun stood {where} the horizon at {moment}; the limit is {limit:g}°.",
        "Fly when the sun stands higher; check the camera's clock and time zone if this was broad daylight.",
        path,
        {"sun_elevation_deg": round(degrees, 2), "min_sun_elevation_deg": limit},
    )


def _zoomed(path: str, zoom: float, usual: float, alike: int, of: int) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.zoom_mismatch",
        f"Taken with digital zoom {zoom:g}x, while {alike} of the {of} images of this sensor have {usual:g}x.",
        "Keep one zoom for a whole survey; the engine cannot calibrate one camera for two.",
        path,
        {"digital_zoom": zoom, "usual_zoom": usual, "images": of},
    )
