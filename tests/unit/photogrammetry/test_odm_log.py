"""What is understood of ODM's output."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.photogrammetry.odm.stages import STAGES
from aerodag.photogrammetry.odm.watching.log import HEAD_LINES, TAIL_LINES, Watcher, level, read_benchmark

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
UNSPLIT = [stage.name for stage in STAGES]


def heard(*lines: str) -> Watcher:
    watcher = Watcher()
    for number, line in enumerate(lines):
        watcher.hear(line, START + timedelta(seconds=number))
    return watcher


def info(message: str) -> str:
    return f"\x1b[39m[INFO]    {message}\x1b[0m"


def stage_lines(*stages: str) -> list[str]:
    return [info(f"{verb} {stage} stage") for stage in stages for verb in ("Running", "Finished")]


def test_the_journal_has_every_stage_with_its_times_and_ends_at_a_hundred_percent():
    watcher = heard(*stage_lines(*UNSPLIT))
    assert watcher.finished_stages == tuple(UNSPLIT)
    assert watcher.percent == 100
    assert watcher.stage is None
    assert watcher.orthophoto_finished
    first = watcher.journal[0]
    assert (first.stage, first.started_at, first.finished_at) == ("dataset", START, START + timedelta(seconds=1))


def test_a_run_that_breaks_off_tells_the_stage_it_was_in():
    watcher = heard(*stage_lines("dataset", "split", "merge"), info("Running opensfm stage"))
    assert watcher.stage == "opensfm"
    assert watcher.percent == 5
    assert watcher.finished_stages == ("dataset", "split", "merge")
    assert not watcher.journal[-1].finished
    assert watcher.journal[-1].finished_at is None
    assert not watcher.orthophoto_finished


def test_stages_left_out_count_as_passed():
    assert heard(*stage_lines("dataset", "opensfm"), info("Running odm_filterpoints stage")).percent == 50


@pytest.mark.parametrize(
    "line",
    [
        "[INFO]    Running odm_dem stage",
        "\x1b[94m[INFO]    Running odm_dem stage\x1b[0m",
        "2026-07-01T12:00:00.123456789Z [INFO]    Running odm_dem stage",
        "2026-07-01 12:00:00,123 [INFO]    Running odm_dem stage\r",
    ],
)
def test_colours_and_times_do_not_hide_a_stage(line):
    assert heard(line).stage == "odm_dem"


@pytest.mark.parametrize(
    "line",
    [
        "[WARNING] Finished odm_orthophoto stage.JPG seems corrupted and will not be used",
        "Finished odm_orthophoto stage",
        "[INFO]    running cat 'Finished odm_orthophoto stage'",
    ],
)
def test_what_only_mentions_a_stage_is_none(line):
    assert heard(line).finished_stages == ()


def test_a_split_dataset_keeps_its_submodels_stages_to_itself():
    first = [
        *stage_lines("dataset"),
        info("Running split stage"),
        info("Dataset has been split into 2 submodels. Reconstructing each submodel..."),
        info("Reconstructing /w/project/submodels/submodel_0000/opensfm"),
        info("Reconstructing /w/project/submodels/submodel_0001/opensfm"),
        info("Processing submodel_0000"),
        *stage_lines("dataset", "opensfm", "odm_orthophoto", "odm_report"),
    ]
    watcher = heard(*first)
    assert watcher.stage == "split"
    assert watcher.finished_stages == ("dataset",)
    assert not watcher.orthophoto_finished
    assert watcher.percent == 5 + 70 * 2 / 4
    watcher.hear(info("Finished split stage"))
    assert watcher.percent == 75
    for line in stage_lines("merge", "odm_postprocess"):
        watcher.hear(line)
    assert watcher.orthophoto_finished
    assert watcher.percent == 100


def test_features_and_shots_move_the_percentage_inside_opensfm():
    watcher = heard(info("Found 4 usable images"), *stage_lines("dataset"), info("Running opensfm stage"))
    for number in range(2):
        watcher.hear(f"2026-07-01 12:00:00,001 INFO: Extracting ROOT_DSPSIFT features for image DJI_{number}.JPG")
    assert watcher.percent == 5 + 6 / 2
    watcher.hear("2026-07-01 12:00:00,001 INFO: Adding DJI_1.JPG to the reconstruction")
    assert watcher.percent == 14 + 8 / 4


def test_progress_on_one_line_overwritten_by_carriage_returns():
    watcher = heard(info("Running openmvs stage"))
    watcher.hear("Estimated depth-maps 1 (10.00%, 3s)\rEstimated depth-maps 9 (50.00%, 3s, ETA 3s)...")
    assert watcher.percent == 25 + 17 / 2


@pytest.mark.parametrize(
    ("line", "fact", "value"),
    [
        (info("Initializing ODM 3.5.6 - Wed Jul 01 12:00:00  2026"), "version", "3.5.6"),
        (info("Initializing ODX 3.8.0 - Wed Jul 01"), "version", "3.8.0"),
        (info("Loading 18 images"), "loaded_images", 18),
        (info("Found 17 usable images"), "usable_images", 17),
        ("[WARNING] DJI 0001.JPG seems corrupted and will not be used", "corrupt_images", ["DJI 0001.JPG"]),
        ("[WARNING] Multiple reconstructions detected (3), this might be", "reconstructions", 3),
        (info("Updated 18 image positions"), "positions_updated", 18),
        (info("Forcing GPS DOP to 3.0 for all images"), "forced_gps_accuracy_m", 3.0),
        (info("Rerunning from: odm_dem"), "rerun_from", "odm_dem"),
        (info("nvidia-smi detected"), "gpu_visible", True),
        (info("No nvidia-smi detected"), "gpu_visible", False),
        (info("nvidia-smi not found in PATH, using CPU"), "gpu_visible", False),
        (info("Using GPU for extracting SIFT features"), "gpu_features", True),
        (info("Using CPU for extracting SIFT features as texture size is too large"), "gpu_features", False),
        ("[WARNING] OpenMVS failed with GPU, is your driver up to date? Falling back to CPU.", "gpu_dense", False),
        ("[WARNING] OpenMVS ran out of memory, we're going to turn on tiling to see", "tiled", True),
        ("Ortho photo resolution, width x height : 4512x3512", "canvas", (4512, 3512)),
        ("Couldn't allocate enough memory to render the orthophoto (300000x280000 cells = 3 bytes).", "canvas",
         (300000, 280000)),
    ],
)  # fmt: skip
def test_one_sentence_one_fact(line, fact, value):
    assert getattr(heard(line).facts, fact) == value


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Could not generate coordinates file. The orthophoto will not be georeferenced.", "engine.not_georeferenced"),
        ("Cannot load AI model (you might need to be connected to the internet?)", "engine.model_missing"),
        ("More than 5% of images have zero altitude, this might be", "engine.altitudes_dropped"),
        ("DJI_0003.JPG has GPS position (0,0), possibly corrupted", "engine.position_zero"),
        ("Submodel submodel_0001 does not have an aligned reconstruction (x).", "engine.submodels_dropped"),
        ("No GPS information, using BOW matching by default", "engine.no_positions_seen"),
    ],
)
def test_warnings_that_matter_are_kept_with_their_line(line, code):
    assert heard(f"[WARNING] {line}").facts.warnings == {code: line}


def test_a_dense_stage_that_kept_its_gpu_used_it():
    seen = info("nvidia-smi detected")
    assert heard(seen, *stage_lines("openmvs")).facts.gpu_dense
    assert heard(*stage_lines("openmvs")).facts.gpu_dense is None
    fallen = heard(
        seen, info("Running openmvs stage"), "[WARNING] OpenMVS failed with GPU", info("Finished openmvs stage")
    )
    assert fallen.facts.gpu_dense is False
    assert len(fallen.facts.gpu_fallbacks) == 1


def test_gpu_features_that_failed_were_not_used():
    watcher = heard(info("Using GPU for extracting SIFT features"), "[WARNING] GPU SIFT extraction failed, maybe")
    assert watcher.facts.gpu_features is False
    assert "GPU SIFT" in watcher.facts.gpu_fallbacks[0]


def test_memory_is_bounded_and_names_are_counted():
    watcher = Watcher()
    for number in range(3000):
        watcher.hear(f"[WARNING] {number}.JPG seems corrupted and will not be used{'x' * 10_000}")
        watcher.hear(f"[ERROR]   {number}")
        watcher.hear(f"[INFO]    Running s{number} stage")
    assert watcher.facts.corrupt_count == 3000
    assert len(watcher.facts.corrupt_images) == 1000
    assert (len(watcher.head), len(watcher.tail), len(watcher.troubles)) == (HEAD_LINES, TAIL_LINES, 50)
    assert len(watcher.journal) == 100
    assert max(map(len, watcher.tail)) <= 2000


def test_evidence_is_of_the_unfinished_stage_alone():
    watcher = heard(*stage_lines("dataset"), "[ERROR]   old", info("Finished opensfm stage"), "new", "[ERROR]   newer")
    assert watcher.evidence() == ["new", "[ERROR]   newer"]
    assert list(watcher.troubles) == ["[ERROR]   newer"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[INFO]    Killed by nobody", "info"),
        ("\x1b[93m[WARNING] careful\x1b[0m", "warning"),
        ("[ERROR]   no", "error"),
        ("[DEBUG]   x", "info"),
        ("2026-07-01 12:00:00,123 WARNING: few matches", "warning"),
        ("/code/x.py:3: RuntimeWarning: invalid value", "warning"),
        ("Traceback (most recent call last):", "error"),
        ("MemoryError", "error"),
        ("numpy.linalg.LinAlgError: singular", "error"),
        ("Fused depth-maps 21 (9.01%)...Killed", "error"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "error"),
        ("OSError: [Errno 28] No space left on device", "error"),
        ("2026-07-01 12:00:00,123 INFO: average error: 0.3", "info"),
        ("", "info"),
    ],
)
def test_levels(line, expected):
    assert level(line) == expected


def test_benchmark_takes_whole_lines_only(tmp_path):
    path = tmp_path / "benchmark.txt"
    assert read_benchmark(path) == {}
    path.write_text(
        "ODM Benchmarking file created Wed\nNumber of Cores: 4\n\ndataset runtime: 1.5 seconds\n"
        "opensfm runtime: 9 seconds\nopensfm runtime: 612.25 seconds\n\x00odd runtime: nan seconds\nopenmvs runtime: 12"
    )
    assert read_benchmark(path) == {"dataset": 1.5, "opensfm": 612.25}


words = st.sampled_from([
    "[INFO]    ", "[WARNING] ", "Running ", "Finished ", "opensfm", "split", "odm_orthophoto", " stage", "\x1b[39m",
    "\r",
    "Found 99999999999999999999 usable images", "Found 3 usable images", "Extracting X features for image ",
    "Estimated depth-maps 1 (", "999%", "Dataset has been split into 0 submodels", "Processing submodel_1", "\x00",
    "Multiple reconstructions detected (", "9" * 5000, "٣", " runtime: 1 seconds\n", "Forcing GPS DOP to 1e999",
    "render the orthophoto (9999999999x99999999999 cells", "Couldn't allocate enough memory to ",
])  # fmt: skip


@pytest.mark.fuzz
@given(st.lists(st.one_of(st.text(max_size=60), st.lists(words, max_size=6).map("".join)), max_size=40))
def test_no_line_whatever_upsets_the_watcher(lines):
    watcher = Watcher()
    before = 0.0
    for line in lines:
        watcher.hear(line)
        assert level(line) in {"info", "warning", "error"}
        assert before <= watcher.percent <= 100
        before = watcher.percent
    assert watcher.lines == len(lines)
    assert len(watcher.evidence()) <= TAIL_LINES


@pytest.mark.fuzz
@given(st.binary(max_size=300))
def test_no_benchmark_whatever_upsets_its_reader(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("benchmark") / "benchmark.txt"
    path.write_bytes(content)
    assert all(seconds >= 0 for seconds in read_benchmark(path).values())
