"""Every class of failure by what shows it, and which evidence counts for more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import AerodagError, Category, Retry
from aerodag.photogrammetry.jobs import Ending
from aerodag.photogrammetry.odm.judging.causes import CAUSES, StopReason
from aerodag.photogrammetry.odm.judging.failures import Situation, judge_ending
from aerodag.photogrammetry.odm.watching.log import Watcher

START = datetime(2026, 7, 1, tzinfo=UTC)
UH_OH = "[ERROR]   Uh oh! Processing stopped because of strange values in the reconstruction. This is often"
WHOOPS = "[ERROR]   Whoops! You ran out of memory! Add more RAM to your computer"
MAKER_NOTE = (
    "Traceback (most recent call last):",
    '  File "/code/venv/exifread/core/exif_header.py", line 410, in decode_maker_note',
    "    next_format = self.tags[0]",
    "IndexError: list index out of range",
)
GPU = Situation(gpu_granted=True)
PLAIN = Situation()


def heard(*lines: str, stage: str = "opensfm") -> Watcher:
    watcher = Watcher()
    for line in (f"[INFO]    Running {stage} stage", *lines) if lines else ():
        watcher.hear(line)
    return watcher


def judged(ending: Ending, *lines: str, situation: Situation = PLAIN, stage: str = "opensfm") -> AerodagError:
    judgement = judge_ending(ending, heard(*lines, stage=stage), situation)
    assert judgement.error is not None
    assert judgement.findings == ()
    return judgement.error


# What shows it, code, category, retry.
SAMPLES = [
    (Ending(1), (), Situation(stop=StopReason.CANCELLED), "engine.cancelled", "cancelled", "never"),
    (Ending(1), (), Situation(stop=StopReason.TIMEOUT), "engine.timeout", "resources", "never"),
    (Ending(124), ("[INFO]    x",), Situation(), "engine.timeout", "resources", "never"),
    (Ending(137), (), Situation(stop=StopReason.STALLED), "engine.stalled", "engine", "clean_stage"),
    (Ending(143), (), Situation(stop=StopReason.DISK_FULL), "engine.disk_full", "infrastructure", "clean_stage"),
    (Ending(1), ("OSError: [Errno 28] No space left on device", UH_OH), Situation(), "engine.disk_full",
     "infrastructure", "clean_stage"),
    (Ending(1), ("    raise queue.Full",), Situation(), "engine.disk_full", "infrastructure", "clean_stage"),
    (Ending(128, message="mkdir /var/lib/docker: no space left on device"), (), Situation(), "engine.disk_full",
     "infrastructure", "clean_stage"),
    (Ending(143), ("[INFO]    x",), Situation(), "engine.terminated", "infrastructure", "same"),
    (Ending(1), ("[WARNING] Caught TERM/INT signal, attempting to exit gracefully...",), Situation(),
     "engine.terminated", "infrastructure", "same"),
    (Ending(1), MAKER_NOTE, Situation(), "engine.exif_maker_note", "engine", "clean_images"),
    (Ending(1), ("FileNotFoundError: [Errno 2] No such file: '/w/opensfm/features/DJI_1.JPG.features.npz'", UH_OH),
     Situation(), "engine.features_incomplete", "engine", "clean_stage"),
    (Ending(1), ("  in load_boundary", "fiona.errors.CRSError: Invalid input", ), Situation(),
     "engine.boundary_refused", "engine", "never"),
    (Ending(1), ("[ERROR]   Not enough supported images in /w/images",), Situation(), "engine.no_images", "data",
     "never"),
    (Ending(1), ("[ERROR]   There are no images in /w/images! Make sure",), Situation(), "engine.folder_empty",
     "config", "never"),
    (Ending(1), ("[ERROR]   Directory project does not exist.",), Situation(), "engine.folder_empty", "config",
     "never"),
    (Ending(1), ("[ERROR]   The program could not process this dataset using the current settings. Check that the",),
     Situation(), "engine.low_overlap", "data", "never"),
    (Ending(1), ("[ERROR]   Not enough photos in photos array to start OpenMVS",), Situation(),
     "engine.too_few_photos", "data", "never"),
    (Ending(1), ("[ERROR]   Uh oh! We ended up with an empty point cloud. This means",), Situation(),
     "engine.empty_point_cloud", "data", "never"),
    (Ending(1), ("Couldn't allocate enough memory to render the orthophoto (300000x260000 cells = 1 bytes).", UH_OH),
     Situation(), "engine.geometry_diverged", "data", "never"),
    (Ending(1), ("Couldn't allocate enough memory to render the orthophoto (30000x26000 cells = 1 bytes).", UH_OH),
     Situation(), "engine.orthophoto_memory", "resources", "smaller"),
    (Ending(1), ("cv2.error: OpenCV(4.5) error: (-4:Insufficient memory) Failed to allocate", UH_OH), Situation(),
     "engine.orthophoto_memory", "resources", "smaller"),
    (Ending(1), ("CUDA error: out of memory", UH_OH), GPU, "engine.gpu_out_of_memory", "resources", "without_gpu"),
    (Ending(1), ("PopSift: allocation", "error: out of memory"), GPU, "engine.gpu_out_of_memory", "resources",
     "without_gpu"),
    (Ending(1), ("CUDA error: no kernel image is available for execution on the device",), GPU,
     "engine.gpu_unsupported", "engine", "without_gpu"),
    (Ending(128, message='could not select device driver "" with capabilities: [[gpu]]'), (), GPU,
     "engine.gpu_runtime", "infrastructure", "without_gpu"),
    (Ending(127, message="failed to create shim task: OCI runtime create failed: nvidia-container-cli: error"), (),
     GPU, "engine.gpu_runtime", "infrastructure", "without_gpu"),
    (Ending(137, out_of_memory=True), ("[INFO]    x",), Situation(), "engine.out_of_memory", "resources", "smaller"),
    (Ending(137), (WHOOPS,), Situation(), "engine.out_of_memory", "resources", "smaller"),
    (Ending(1), ("MemoryError", UH_OH), Situation(), "engine.out_of_memory", "resources", "smaller"),
    (Ending(134), ("terminate called after throwing an instance of 'std::bad_alloc'",), Situation(),
     "engine.out_of_memory", "resources", "smaller"),
    (Ending(1), ("Fused depth-maps 21 (9.01%, 31s, ETA 5m)...Killed",), Situation(), "engine.out_of_memory",
     "resources", "smaller"),
    (Ending(1), ("[ERROR]   Could not compute dense point cloud (no PLY files available).",), Situation(),
     "engine.no_dense_points", "resources", "smaller"),
    (Ending(1), ("[ERROR]   Dense reconstruction failed. This could be due to poor georeferencing or",), Situation(),
     "engine.dense_failed", "data", "never"),
    (Ending(1), ("[ERROR]   Cannot find scene_dense.mvs",), Situation(), "engine.dense_incomplete", "engine",
     "clean_stage"),
    (Ending(1), ("[ERROR]   We reached the merge stage, but /w/submodels folder does not exist.",), Situation(),
     "engine.submodels_missing", "engine", "never"),
    (Ending(132), ("[ERROR]   Oh no! It looks like your CPU is not supported (is it fairly old?)",), Situation(),
     "engine.cpu_unsupported", "engine", "never"),
    (Ending(3), ("[ERROR]   ODM can't find a program that is required for processing to run!",), Situation(),
     "engine.program_missing", "engine", "never"),
    (Ending(2), ("run.py: error: unrecognized arguments: --fast",), Situation(), "engine.options", "config", "never"),
    (Ending(1), ("PermissionError: [Errno 13] Permission denied: '/w/images.json'",), Situation(),
     "engine.not_writable", "config", "never"),
    (Ending(127, message="OCI runtime create failed: runc create failed"), (), Situation(), "engine.container_start",
     "infrastructure", "same"),
    (Ending(125), (), Situation(), "engine.container_start", "infrastructure", "same"),
    (Ending(139), (UH_OH,), Situation(), "engine.strange_values", "engine", "never"),
    (Ending(9), ("[ERROR]   The program exited with a strange error code. Please report it",), Situation(),
     "engine.child_killed", "resources", "smaller"),
    (Ending(139), ("[INFO]    x",), Situation(), "engine.crashed", "engine", "never"),
    (Ending(137), ("[INFO]    x",), Situation(), "engine.killed", "infrastructure", "same"),
    (Ending(None, message="dead"), ("[INFO]    x",), Situation(), "engine.ending_unknown", "infrastructure", "same"),
    (Ending(1), ("KeyError: 'odd'",), Situation(), "engine.failed", "engine", "never"),
]  # fmt: skip


@pytest.mark.parametrize(("ending", "lines", "situation", "code", "category", "retry"), SAMPLES)
def test_each_class_by_what_shows_it(ending, lines, situation, code, category, retry):
    error = judged(ending, *lines, situation=situation)
    assert (error.code, error.category, error.retry) == (code, Category(category), Retry(retry))
    assert error.numbers["exit_code"] == ending.exit_code


def test_every_row_has_a_sample_a_code_of_its_own_and_advice():
    codes = [cause.code for cause in CAUSES]
    assert len(set(codes)) == len(codes)
    assert {sample[3] for sample in SAMPLES} == set(codes)
    for cause in CAUSES:
        assert cause.code.startswith("engine.")
        assert cause.advice.endswith(".")
        assert cause.message.endswith(".")


def test_each_stop_and_each_exit_code_has_one_row():
    assert sorted(cause.stop for cause in CAUSES if cause.stop) == sorted(StopReason)
    claimed = [code for cause in CAUSES for code in cause.exit_codes]
    assert len(set(claimed)) == len(claimed)


def test_an_exit_code_of_zero_is_no_failure():
    assert judge_ending(Ending(0, out_of_memory=True), heard(UH_OH), Situation()).error is None


def test_the_sentence_quotes_the_line_and_the_stage():
    error = judged(Ending(1), "[ERROR]   Cannot find scene_dense.mvs, dense reconstruction failed", stage="openmvs")
    assert "in stage openmvs" in error.message
    assert "cannot find scene_dense.mvs" in error.message
    assert error.numbers["stage"] == "openmvs"


@pytest.mark.parametrize("stop", list(StopReason))
@pytest.mark.parametrize("ending", [Ending(0), Ending(1), Ending(137, out_of_memory=True), Ending(143), Ending(None)])
def test_what_we_stopped_is_ours_whatever_the_code_and_the_log(stop, ending):
    assert judged(ending, WHOOPS, situation=Situation(stop=stop)).code == f"engine.{stop.value}"


def test_a_stop_that_came_after_the_end_does_not_cost_the_result():
    late = Situation(stop=StopReason.TIMEOUT, has_orthophoto=True)
    assert judge_ending(Ending(0), heard("[INFO]    x"), late).error is None
    cancelled = Situation(stop=StopReason.CANCELLED, has_orthophoto=True)
    assert judged(Ending(0), "[INFO]    x", situation=cancelled).code == "engine.cancelled"


@pytest.mark.parametrize("stop", [None, StopReason.STALLED, StopReason.TIMEOUT, StopReason.DISK_FULL])
def test_after_the_orthophoto_only_the_report_is_lost(stop):
    lines = ("[INFO]    Finished odm_orthophoto stage", "[INFO]    Running odm_report stage", "KeyError: 'bbox'")
    situation = Situation(stop=stop, has_orthophoto=True)
    judgement = judge_ending(Ending(1), heard(*lines, stage="odm_orthophoto"), situation)
    assert judgement.error is None
    assert [finding.code for finding in judgement.findings] == ["engine.report_lost"]
    assert judgement.findings[0].numbers["line"] == "KeyError: 'bbox'"


def test_an_orthophoto_that_its_stage_did_not_finish_does_not_count():
    assert judged(Ending(1), UH_OH, situation=Situation(has_orthophoto=True)).code == "engine.strange_values"
    lines = ("[INFO]    Finished odm_orthophoto stage", UH_OH)
    assert judged(Ending(1), *lines, situation=Situation()).code == "engine.strange_values"


def test_what_a_finished_stage_survived_is_no_cause():
    lines = ("Fused depth-maps 21 (9.01%)...Killed", "[INFO]    Finished openmvs stage", UH_OH)
    assert judged(Ending(1), *lines, stage="openmvs").code == "engine.strange_values"


def test_a_trouble_older_than_the_tail_is_still_found():
    chatter = [f"2026-07-01 DEBUG: line {number}" for number in range(500)]
    assert judged(Ending(1), "MemoryError", *chatter).code == "engine.out_of_memory"


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (GPU, Retry.WITHOUT_GPU),
        (Situation(gpu_granted=True, gpu_required=True), Retry.SAME),
        (Situation(), Retry.SAME),
    ],
)
def test_without_gpu_only_where_there_was_one_to_spare(situation, expected):
    message = "could not select device driver"
    assert judged(Ending(128, message=message), situation=situation).retry is expected


def test_a_required_gpu_that_is_too_small_is_not_tried_again():
    required = Situation(gpu_granted=True, gpu_required=True)
    assert judged(Ending(1), "CUDA error: out of memory", situation=required).retry is Retry.NEVER


def test_a_gpu_that_odm_gave_up_itself_is_not_what_it_failed_of():
    lines = ("CUDA error: out of memory", "[WARNING] OpenMVS failed with GPU, is your graphics", WHOOPS)
    assert judged(Ending(137), *lines, situation=GPU).code == "engine.out_of_memory"


@pytest.mark.parametrize(("ran", "code"), [(100.0, "engine.timeout"), (60.0, "engine.killed")])
def test_a_kill_at_our_own_bound_is_a_timeout(ran, code):
    ending = Ending(137, started_at=START, finished_at=START + timedelta(seconds=ran))
    assert judged(ending, "[INFO]    x", situation=Situation(seconds=100)).code == code


@pytest.mark.parametrize(("area", "code"), [(1e6, "engine.orthophoto_memory"), (1e4, "engine.geometry_diverged")])
def test_the_canvas_is_compared_with_the_survey(area, code):
    line = "Couldn't allocate enough memory to render the orthophoto (10000x10000 cells = 1 bytes)."
    assert judged(Ending(1), line, situation=Situation(survey_area_m2=area, resolution_m=0.05)).code == code


def test_killed_over_a_stray_canvas_is_geometry_too():
    line = "Ortho photo resolution, width x height : 300000x300000"
    ending = Ending(137, out_of_memory=True)
    assert judged(ending, line, stage="odm_orthophoto").code == "engine.geometry_diverged"
    assert judged(ending, line, stage="openmvs").code == "engine.out_of_memory"


@pytest.mark.fuzz
@given(
    st.lists(st.text(max_size=80), max_size=30),
    st.none() | st.integers(-300, 300),
    st.booleans(),
    st.text(max_size=80),
    st.none() | st.sampled_from(StopReason),
)
def test_any_ending_is_an_error_with_advice_or_none(lines, code, out_of_memory, message, stop):
    judgement = judge_ending(Ending(code, out_of_memory, message), heard(*lines), Situation(stop=stop))
    assert (judgement.error is None) == (code == 0 and stop is None)
    if judgement.error is not None:
        assert judgement.error.advice
