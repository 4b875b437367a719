"""The child's side of the contract: options, events, the import order; and the parent's reading of it."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from aerodag.errors import Category, ConfigError, DataError, EngineError, InfrastructureError, ResourceError
from aerodag.photogrammetry import embedded_engine
from aerodag.photogrammetry.embedded.events import STAGES, Reporter
from aerodag.photogrammetry.embedded.options import parse
from aerodag.photogrammetry.embedded.poses.shrink import shrink, small_size
from aerodag.photogrammetry.embedded_engine import EmbeddedEngine, Plan
from aerodag.photogrammetry.engine import Progress

SOURCES = Path(embedded_engine.__file__).parents[1]
# What a process that has pycolmap must still be able to do: every codec whose symbols the wheel also exports.
CODECS = """
import aerodag.photogrammetry.embedded.poses.sfm
import io, zlib, bz2, lzma
import numpy as np, rasterio, cv2
from rasterio.io import MemoryFile
from PIL import Image
data = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
assert zlib.decompress(zlib.compress(data.tobytes())) == data.tobytes()
assert lzma.decompress(lzma.compress(b"a" * 999)) == bz2.decompress(bz2.compress(b"a" * 999))
for kind in ("PNG", "JPEG", "TIFF"):
    file = io.BytesIO()
    Image.fromarray(data).save(file, kind)
    assert Image.open(io.BytesIO(file.getvalue())).size == (64, 64)
assert (cv2.imdecode(cv2.imencode(".png", data)[1], 1) == data).all()
with MemoryFile() as memory:
    with memory.open(driver="GTiff", dtype="uint8", count=3, width=64, height=64, compress="deflate") as tiff:
        tiff.write(np.moveaxis(data, -1, 0))
    with memory.open() as tiff:
        assert (tiff.read() == np.moveaxis(data, -1, 0)).all()
print("whole")
"""


def test_codecs_work_beside_pycolmap() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CODECS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.send_signal(signal.SIGKILL)  # a hung one is deaf to anything less
    assert out.strip() == "whole", err
    assert process.returncode == 0


def test_only_one_module_imports_pycolmap() -> None:
    users = [path for path in SOURCES.rglob("*.py") if "import pycolmap" in path.read_text()]
    assert [path.name for path in users] == ["sfm.py"]


def test_parent_side_imports_nothing_heavy() -> None:
    code = (
        "import sys, aerodag.photogrammetry.embedded_engine; print({'cv2', 'pycolmap', 'rasterio'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "set()"


def test_stages_cover_the_run_in_order() -> None:
    bounds = list(STAGES.values())
    assert bounds[0][0] == 0.0
    assert bounds[-1][1] == 100.0
    assert all(before[1] == after[0] for before, after in pairwise(bounds))


def test_percent_never_falls_even_when_a_stage_is_repeated() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    for stage, fraction in [("features", 0.5), ("matching", 1.0), ("prepare", 0.5), ("features", 0.2), ("render", 7.0)]:
        reporter.progress(stage, fraction)
    percents = [json.loads(line)["percent"] for line in stream.getvalue().splitlines()]
    assert percents == sorted(percents)
    assert percents[-1] == STAGES["render"][1]


def test_tiny_steps_are_not_worth_a_line() -> None:
    stream = io.StringIO()
    reporter = Reporter(stream)
    for step in range(10_001):
        reporter.progress("render", step / 10_000)
    assert 20 < len(stream.getvalue().splitlines()) < 60


@pytest.mark.parametrize("wrong", [["--max-concurrency", "0"], ["--orthophoto-resolution", "-3"], ["--unknown", "1"]])
def test_wrong_options_end_with_the_usage_code(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--project-path", "/data", "name", *wrong])
    assert ended.value.code == 2


def test_options() -> None:
    options = parse(["--project-path", "/data", "name", "--orthophoto-resolution", "5", "--max-concurrency", "2"])
    assert options.project == Path("/data/name")
    assert options.resolution_cm == 5.0
    assert (options.threads, options.neighbours, options.feature_size) == (2, 8, 1600)


@pytest.mark.parametrize(
    ("size", "expected"), [((4000, 2250), (1600, 900)), ((800, 600), (800, 600)), ((1, 9000), (1, 1600))]
)
def test_small_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert small_size(*size, 1600) == expected


def test_truncated_image_is_named(tmp_path: Path) -> None:
    from PIL import Image

    whole, broken = tmp_path / "whole.jpg", tmp_path / "broken.jpg"
    Image.effect_noise((900, 600), 50).save(whole)
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert shrink(whole, tmp_path / "a.jpg", 400) is None
    assert Image.open(tmp_path / "a.jpg").size == (400, 267)
    assert "truncated" in str(shrink(broken, tmp_path / "b.jpg", 400))


def hear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> list[Progress]:
    """Run the engine with ``script`` in the child's place."""
    monkeypatch.setattr(embedded_engine, "_command", lambda project, plan: [sys.executable, "-c", script])
    heard: list[Progress] = []
    EmbeddedEngine().run(tmp_path, Plan(), heard.append)
    return heard


@pytest.mark.parametrize(
    ("script", "error", "code"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ResourceError, "engine.memory"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", InfrastructureError, "engine.terminated"),
        ("import sys; sys.exit('boom')", EngineError, "engine.crashed"),
        ("import sys; print('bad option', file=sys.stderr); sys.exit(2)", ConfigError, "engine.options"),
        ('print(\'{"event": "done"}\')', EngineError, "engine.result_missing"),
    ],
)
def test_ends_of_the_child_are_classified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as caught:
        hear(tmp_path, monkeypatch, script)
    assert caught.value.code == code  # type: ignore[attr-defined]


def test_error_event_becomes_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"event": "error", "category": "data", "code": "engine.no_gps", "message": "m", "advice": "a"}
    with pytest.raises(DataError) as caught:
        hear(tmp_path, monkeypatch, f"import sys; print({json.dumps({**event, 'numbers': {'n': 1}})!r}); sys.exit(1)")
    assert caught.value.category is Category.DATA
    assert (caught.value.code, caught.value.numbers) == ("engine.no_gps", {"n": 1})


def test_whatever_ends_the_parent_ends_the_whole_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids = tmp_path / "pids"
    script = f"""
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(pids)!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
print('{{"event": "stage", "stage": "features", "percent": 1}}', flush=True)
time.sleep(600)
"""
    monkeypatch.setattr(embedded_engine, "_command", lambda project, plan: [sys.executable, "-c", script])
    monkeypatch.setattr(embedded_engine, "GRACE_SECONDS", 0.3)

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EmbeddedEngine().run(tmp_path, Plan(), stop)
    deadline = time.monotonic() + 10
    while alive := [pid for pid in pids.read_text().split() if not has_ended(pid)]:
        assert time.monotonic() < deadline, f"{alive} are still there"
        time.sleep(0.05)


def has_ended(pid: str) -> bool:
    """Gone, or dead and waiting for whoever adopted it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_presets_and_resolution_reach_the_command(tmp_path: Path) -> None:
    fast = embedded_engine._command(tmp_path / "p", Plan("fast", None, 2, {"matcher-neighbors": 6}))
    assert fast[fast.index("--orthophoto-resolution") + 1] == "5.0"
    assert fast[fast.index("--feature-size") + 1] == "1200"
    assert fast[fast.index("--matcher-neighbors") + 1] == "6"
    assert "--orthophoto-resolution" not in embedded_engine._command(tmp_path, Plan("standard", None, 2, {}))
    assert parse([*fast[fast.index("--project-path") :]]).threads == 2
