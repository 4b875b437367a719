"""A failure with a remedy is tried once more, differently, and the difference is on record."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from aerodag.errors import AerodagError, RemediedError, ResourceError, Retry
from aerodag.photogrammetry.odm.planning import plan as odm_plan
from cases.engine import EngineFlow
from doubles.odm import recipe
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker

EXIF, MAKER_NOTE = 0x8769, 0x927C


def test_out_of_memory_is_tried_once_more_with_less(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="out_of_memory")
    before = odm_plan.load(flow.run.plan or {})
    with pytest.raises(RemediedError) as told:
        flow.play()
    assert told.value.code == "engine.out_of_memory"
    assert told.value.retry is Retry.SAME
    after = odm_plan.load(flow.run.plan or {})
    assert (before.max_concurrency, after.max_concurrency) == (2, 1)
    assert after.options["feature-quality"] == "medium"
    (remedy,) = after.remedies
    failed = flow.last
    assert (failed.exit_code, failed.failure_code, failed.failed_stage) == (137, "engine.out_of_memory", "opensfm")
    assert failed.remedy == remedy.text
    ((message, details),) = flow.events("engine.remedied")
    assert remedy.text in message
    assert details == {"code": "engine.out_of_memory", "remedy": remedy.text}

    flow.double()
    metrics = flow.play(attempt=2)
    assert "--feature-quality medium" in flow.starts[1]
    assert "--max-concurrency 1" in flow.starts[1]
    assert [one["text"] for one in metrics["remedies"]] == [remedy.text]
    assert len(flow.starts) == 2
    assert flow.containers == []


def test_out_of_memory_twice_is_final(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="out_of_memory")
    with pytest.raises(RemediedError):
        flow.play()
    with pytest.raises(ResourceError) as told:
        flow.play(attempt=2)
    assert told.value.code == "engine.out_of_memory"
    assert flow.last.remedy is None
    assert len(flow.events("engine.remedied")) == 1
    assert flow.containers == []


@pytest.fixture
def gpu_flow(
    bare_engine_flow: EngineFlow, survey_files: dict[str, bytes], docker_engine: Engine
) -> Callable[[str], EngineFlow]:
    """A run on a host with a runtime that calls itself nvidia, and an image with an nvidia-smi."""
    docker_engine.owned()

    def make(gpu: str) -> EngineFlow:
        flow = bare_engine_flow
        flow.open(flow.upload(survey_files), gpu=gpu)
        flow.plan(gpu_image=recipe.GPU_IMAGE, gpu_access="nvidia")
        flow.outputs()
        return flow

    return make


def test_a_gpu_that_fails_is_done_without(gpu_flow: Callable[[str], EngineFlow]) -> None:
    flow = gpu_flow("auto")
    assert odm_plan.load(flow.run.plan or {}).gpu.granted
    flow.double(outcome="refuse", sentence="CUDA error: no kernel image is available for execution on the device")
    with pytest.raises(RemediedError) as told:
        flow.play()
    assert told.value.code == "engine.gpu_unsupported"
    assert "--no-gpu" not in flow.starts[0]

    flow.double()
    metrics = flow.play(attempt=2)
    assert "--no-gpu" in flow.starts[1]
    assert (metrics["gpu_requested"], metrics["gpu_used_features"]) == (False, None)
    assert "engine.gpu_unused" not in flow.findings
    assert len(flow.starts) == 2


def test_what_became_of_the_gpu_is_on_record(gpu_flow: Callable[[str], EngineFlow]) -> None:
    flow = gpu_flow("auto")
    flow.double("[INFO]    Using GPU for extracting SIFT features")
    metrics = flow.play()
    assert (metrics["gpu_requested"], metrics["gpu_visible"], metrics["gpu_used_features"]) == (True, True, True)
    assert metrics["gpu_used_dense"] is True
    (device,) = metrics["gpu_devices"]
    assert (device["name"], device["compute_cap"]) == ("NVIDIA GeForce RTX 3090", 8.6)
    assert "--feature-type sift" in flow.starts[0]


def test_a_gpu_that_is_required_is_never_done_without(gpu_flow: Callable[[str], EngineFlow]) -> None:
    flow = gpu_flow("required")
    flow.double(outcome="refuse", sentence="CUDA error: no kernel image is available for execution on the device")
    with pytest.raises(AerodagError) as told:
        flow.play()
    assert not isinstance(told.value, RemediedError)
    assert (told.value.code, told.value.retry) == ("engine.gpu_unsupported", Retry.NEVER)
    assert flow.last.remedy is None


@pytest.mark.parametrize("gpu", ["auto", "required"])
def test_docker_gives_no_gpu_after_all(gpu_flow: Callable[[str], EngineFlow], gpu: str) -> None:
    flow = gpu_flow(gpu)
    flow.double()
    flow.set(gpu_access="device_requests")
    with pytest.raises(AerodagError) as told:
        flow.begin()
    assert told.value.code == "engine.gpu_runtime"
    assert told.value.__cause__ is not told.value
    assert isinstance(told.value, RemediedError) is (gpu == "auto")
    assert flow.containers == []
    if gpu == "auto":
        flow.play(attempt=2)
        assert "--no-gpu" in flow.starts[0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    place.mkdir()
    if subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", place], check=False).returncode:
        pytest.skip("no right to mount a small file system")
    yield place
    subprocess.run(["/bin/umount", place], check=True)


def test_a_full_disk_is_told_and_the_stage_made_again(
    small_disk: Path, engine_flow: EngineFlow, survey_files: dict[str, bytes]
) -> None:
    flow = engine_flow
    assert flow.settings.data == small_disk
    flow.outputs(metres=20.0)
    flow.double(outcome="full_disk")
    with capture_logs() as log, pytest.raises(RemediedError) as told:
        flow.play()
    assert any("is incomplete" in entry["event"] for entry in log), "there was no room for the log"
    assert told.value.code == "engine.disk_full"
    assert flow.last.failed_stage == "opensfm"
    assert flow.containers == []

    flow.double()
    flow.play(attempt=2)
    assert not (flow.project / "opensfm" / "filler").exists()
    assert flow.rerun_from() == "dataset"
    assert "engine_log" in flow.artifacts


def test_maker_notes_are_taken_out_of_the_copies(bare_engine_flow: EngineFlow, survey_files: dict[str, bytes]) -> None:
    flow = bare_engine_flow
    noted = {name: with_maker_note(body) if name.endswith("1_D.JPG") else body for name, body in survey_files.items()}
    flow.open(flow.upload(noted))
    flow.plan()
    flow.outputs()
    assert any(has_maker_note(path.read_bytes()) for path in (flow.project / "images").iterdir())
    flow.double(
        outcome="refuse", at="dataset", sentence="exifread decode_maker_note IndexError: list index out of range"
    )
    with pytest.raises(RemediedError) as told:
        flow.play()
    assert told.value.code == "engine.exif_maker_note"
    flow.double()
    flow.play(attempt=2)
    assert not any(has_maker_note(path.read_bytes()) for path in (flow.project / "images").iterdir())
    assert len(list((flow.project / "images").iterdir())) == 6
    assert flow.rerun_from() is None


def with_maker_note(photograph: bytes) -> bytes:
    image, buffer = Image.open(io.BytesIO(photograph)), io.BytesIO()
    tags = image.getexif()
    tags.get_ifd(EXIF)[MAKER_NOTE] = b"note" * 20
    image.save(buffer, "JPEG", exif=tags, xmp=image.info["xmp"], quality=95)
    return buffer.getvalue()


def has_maker_note(photograph: bytes) -> bool:
    return MAKER_NOTE in Image.open(io.BytesIO(photograph)).getexif().get_ifd(EXIF)


def test_features_that_were_half_written_are_removed(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(
        outcome="refuse", sentence="FileNotFoundError: No such file or directory: opensfm/features/1.JPG.features.npz"
    )
    with pytest.raises(RemediedError) as told:
        flow.play()
    assert told.value.code == "engine.features_incomplete"
    (flow.project / "opensfm" / "half").touch()
    flow.double()
    flow.play(attempt=2)
    assert not (flow.project / "opensfm" / "half").exists()
    assert flow.rerun_from() == "dataset"
