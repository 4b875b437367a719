"""Entry point of the engine's child process: JSON lines on standard output, exit code 0 or 1."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from aerodag.errors import AerodagError, EngineError, InfrastructureError
from aerodag.findings import Finding
from aerodag.photogrammetry.embedded.events import Reporter, claim_stdout
from aerodag.photogrammetry.embedded.memory import memory_error, peak_resident_bytes
from aerodag.photogrammetry.embedded.options import Options, parse
from aerodag.photogrammetry.embedded.poses.alignment import Alignment, align
from aerodag.photogrammetry.embedded.product import Product, make_product
from aerodag.photogrammetry.embedded.report import (
    RunFacts,
    statistics,
    verdicts,
    write_cameras,
    write_json,
    write_shots,
)
from aerodag.photogrammetry.embedded.survey import Survey, load_survey, require_positions

PR_SET_PDEATHSIG = 1
PACKAGES = ("aerodag", "pycolmap", "numpy", "scipy", "opencv-python-headless", "rasterio", "pyproj", "pillow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the engine; every failure becomes one ``error`` event."""
    options = parse(arguments)
    _die_with(options.parent_pid)
    reporter = Reporter(claim_stdout())
    try:
        reporter.finish({"event": "done", **_run(options, reporter)})
    except AerodagError as error:
        reporter.finish(_error_event(error))
        return 1
    except Exception as error:
        reporter.finish(_error_event(_classified(error)))
        raise
    return 0


def _die_with(parent_pid: int | None) -> None:
    """Ask Linux to kill this process when its parent dies, and end at once if it is dead already."""
    if parent_pid is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        raise SystemExit("The parent process is gone.")


def _run(options: Options, reporter: Reporter) -> dict[str, Any]:
    started = time.monotonic()
    survey, findings = load_survey(options.project / "images")
    require_positions(survey)
    shutil.rmtree(options.work, ignore_errors=True)
    try:
        return _process(survey, options, findings, reporter, started)
    finally:
        shutil.rmtree(options.work, ignore_errors=True)


def _process(
    survey: Survey, options: Options, findings: list[Finding], reporter: Reporter, started: float
) -> dict[str, Any]:
    alignment = align(survey, options, options.work, reporter, findings)
    sfm_rss = peak_resident_bytes() + alignment.result.facts["peak_rss_bytes"]
    versions = {name: version(name) for name in PACKAGES}
    product = make_product(alignment, options, _software(versions), reporter)
    findings += verdicts(alignment, product, options.resolution_cm)
    facts = RunFacts(
        seconds={**alignment.result.facts["seconds"], **product.seconds},
        total_seconds=time.monotonic() - started,
        cpu_seconds=_cpu_seconds(),
        peak_rss_bytes=max(sfm_rss, peak_resident_bytes()),
        versions=versions,
    )
    stats = statistics(alignment, product, findings, facts)
    _write_files(options, alignment, product, stats)
    reporter.progress("report", 1.0)
    return _key_figures(stats)


def _software(versions: dict[str, str]) -> str:
    return f"Aerodag {versions['aerodag']} embedded engine (pycolmap {versions['pycolmap']})"


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _write_files(options: Options, alignment: Alignment, product: Product, stats: dict[str, Any]) -> None:
    folder = options.project / "odm_report"
    folder.mkdir(exist_ok=True)
    write_shots(alignment, product.views, folder / "shots.geojson")
    write_cameras(alignment, product.views, options.project / "cameras.json")
    write_json(folder / "stats.json", stats)


def _key_figures(stats: dict[str, Any]) -> dict[str, Any]:
    own = stats["aerodag"]
    return {
        "registered": len(own["images"]["registered"]),
        "images": own["images"]["found"],
        "gsd_cm": own["gsd_cm"],
        "epsg": own["epsg"],
        "gps_error_m": stats["gps_errors"]["error"],
        "reprojection_error_px": stats["reconstruction_statistics"]["reprojection_error_pixels"],
        "seams": own["seams"],
        "covered_area_m2": own["covered_area_m2"],
        "cpu_seconds": own["cpu_seconds"],
        "peak_rss_bytes": own["peak_rss_bytes"],
    }


def _error_event(error: AerodagError) -> dict[str, Any]:
    return {
        "event": "error",
        "category": error.category.value,
        "code": error.code,
        "message": error.message,
        "advice": error.advice,
        "numbers": error.numbers,
    }


def _classified(error: Exception) -> AerodagError:
    if isinstance(error, MemoryError):
        return memory_error(f"Memory ran out: {error}.")
    if isinstance(error, OSError):
        return InfrastructureError(
            "engine.io", f"{error}.", advice="Check the work disk's free space and the mount, then retry."
        )
    return EngineError(
        "engine.bug", f"{type(error).__name__}: {error}.", advice="Report this with the log; the odm engine may pass."
    )


if __name__ == "__main__":
    raise SystemExit(main())
