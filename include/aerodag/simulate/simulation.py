"""Fly a survey and write what the drone would bring home, with the truth beside it."""

from __future__ import annotations

import os
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import structlog

from aerodag.rtk.mrk import MrkRecord, format_record, utc_to_gps
from aerodag.simulate.flight import Datum, Fix, Shot, datum, fly
from aerodag.simulate.photo import develop, encode, falloff
from aerodag.simulate.render import Renderer
from aerodag.simulate.scene import Scene, make_scene
from aerodag.simulate.survey import Survey
from aerodag.simulate.truth import write_cameras, write_heights, write_orthophoto

log = structlog.get_logger(__name__)

Progress = Callable[[str, int, int], None]
FOLDER = "DCIM/100MEDIA"


@dataclass(frozen=True, slots=True)
class SimulatedSurvey:
    """The files of a simulated survey and its shots (``frame`` turns their local metres into UTM)."""

    survey: Survey
    zip_path: Path
    truth_ortho: Path
    truth_heights: Path
    cameras: Path
    frame: Datum
    shots: tuple[Shot, ...]


def simulate(survey: Survey, target: Path, progress: Progress | None = None) -> SimulatedSurvey:
    """Write the survey's ZIP to ``target`` and its truth to ``truth/`` beside it, named after the ZIP.

    ``progress`` hears stage (``land``, ``truth``, ``images``), number done and total. Files appear complete or not
    at all; existing ones are replaced.
    """
    report = progress or (lambda stage, done, total: None)
    frame = datum(survey)
    shots = tuple(fly(survey, frame))
    report("land", 0, 1)
    scene = make_scene(survey)
    report("land", 1, 1)
    truth = target.parent / "truth"
    truth.mkdir(parents=True, exist_ok=True)
    result = SimulatedSurvey(
        survey=survey,
        zip_path=target,
        truth_ortho=truth / f"{target.stem}_orthophoto.tif",
        truth_heights=truth / f"{target.stem}_heights.tif",
        cameras=truth / f"{target.stem}_cameras.json",
        frame=frame,
        shots=shots,
    )
    _write_truth(result, scene, report)
    _replace(target, partial(_write_zip, survey, shots, scene, report))
    log.info("survey simulated", images=len(shots), zip=str(target), bytes=target.stat().st_size)
    return result


def _write_truth(result: SimulatedSurvey, scene: Scene, report: Progress) -> None:
    report("truth", 0, 3)
    _replace(result.truth_ortho, lambda path: write_orthophoto(path, scene, result.frame))
    report("truth", 1, 3)
    _replace(result.truth_heights, lambda path: write_heights(path, scene, result.frame))
    report("truth", 2, 3)
    _replace(result.cameras, lambda path: write_cameras(path, result.survey, result.frame, result.shots))
    report("truth", 3, 3)


def _replace(path: Path, write: Callable[[Path], None]) -> None:
    """Write under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_zip(survey: Survey, shots: Sequence[Shot], scene: Scene, report: Progress, path: Path) -> None:
    """Stored entries in order of exposure, dated by it, then the exposure marks."""
    report("images", 0, len(shots))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for done, (shot, jpeg) in enumerate(_photographs(survey, shots, scene), start=1):
            archive.writestr(_entry(shot.name, shot), jpeg)
            report("images", done, len(shots))
        marks = [_mark(shot, shot.fix) for shot in shots if shot.fix is not None]
        if marks:
            name = f"DJI_{survey.started_at:%Y%m%d%H%M}_001_Timestamp.MRK"
            archive.writestr(_entry(name, shots[-1]), "".join(format_record(mark) + "\n" for mark in marks))


def _entry(name: str, shot: Shot) -> zipfile.ZipInfo:
    at = shot.captured_at
    entry = zipfile.ZipInfo(f"{FOLDER}/{name}", (at.year, at.month, at.day, at.hour, at.minute, at.second))
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


def _photographs(survey: Survey, shots: Sequence[Shot], scene: Scene) -> Iterator[tuple[Shot, bytes]]:
    """JPEGs in order; the cores work a little ahead, so that few images are held at a time."""
    renderer, dimming = Renderer.prepare(scene, survey.lens), falloff(survey.lens)

    def photograph(shot: Shot) -> bytes:
        rng = np.random.default_rng((survey.seed, 4, shot.number))
        return encode(develop(renderer.expose(shot.pose), shot, dimming, rng), survey, shot)

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[tuple[Shot, Future[bytes]]] = deque()
        for shot in shots:
            waiting.append((shot, pool.submit(photograph, shot)))
            if len(waiting) > cores:
                ready, jpeg = waiting.popleft()
                yield ready, jpeg.result()
        for ready, jpeg in waiting:
            yield ready, jpeg.result()


def _mark(shot: Shot, fix: Fix) -> MrkRecord:
    """The exposure's line; the antenna sits 9 cm above and a little off the camera, whose position is given."""
    week, seconds = utc_to_gps(shot.captured_at)
    heading = np.radians(shot.flight_yaw)
    return MrkRecord(
        index=shot.number,
        week=week,
        seconds_of_week=seconds,
        offset_n_mm=round(38 * np.cos(heading)),
        offset_e_mm=round(38 * np.sin(heading)),
        offset_v_mm=92,
        latitude=fix.latitude,
        longitude=fix.longitude,
        height_m=fix.height,
        std_n_m=fix.deviation.north_m,
        std_e_m=fix.deviation.east_m,
        std_v_m=fix.deviation.up_m,
        quality=fix.deviation.flag,
    )
