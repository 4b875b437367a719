"""The steps before the engine, one after the other against a real ledger, without an Airflow."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from aerodag import ledger
from aerodag.errors import DataError, InfrastructureError
from aerodag.ledger import ImageRecord, Run
from aerodag.photogrammetry.embedded.survey import load_survey
from aerodag.pipeline import reconstruction
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.steps import STEPS
from aerodag.settings import Settings
from aerodag.simulate import Survey, simulate
from aerodag.storage import Storage, local_path
from cases.registered import registered_files
from samples.photographs import without_xmp

INTAKE = ("stage", "validate", "extract_metadata", "assess_images", "preflight")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    path = simulate(Survey(images=12, width=320, height=240), tmp_path_factory.mktemp("survey") / "a.zip").zip_path
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


class Intake:
    """Datasets and runs as claim would leave them, and the steps of a run."""

    def __init__(self, conn: psycopg.Connection, root: Path) -> None:
        self.conn, self.settings = conn, Settings(data_root=root)
        self.storage = Storage.of(self.settings)
        self.storage.create()

    def upload(self, name: str, files: dict[str, bytes]) -> int:
        source = self.storage.incoming / f"{name}.zip"
        return registered_files(self.conn, source, files).id

    def open(self, dataset_id: int, dag_run_id: str, **choice: list[str]) -> Run:
        return ledger.open_run(
            self.conn,
            dataset_id=dataset_id,
            dag_run_id=dag_run_id,
            task_types=["odm_processing"],
            preset="standard",
            engine="auto",
            options={},
            priority=2,
            **choice,  # type: ignore[arg-type]
        )

    def play(self, run: Run, *steps: str) -> dict[str, Metrics]:
        context = StepContext.of(self.conn, self.settings, run.dag_run_id)
        return {name: STEPS[name].work(context) for name in steps or INTAKE}

    def images(self, dataset_id: int) -> dict[str, ImageRecord]:
        return {image.zip_path: image for image in ledger.list_images(self.conn, dataset_id=dataset_id)}

    def codes(self, run: Run) -> Counter[str]:
        return Counter(finding.code for finding in ledger.list_findings(self.conn, run_id=run.id))


@pytest.fixture
def intake(ledger_connection: psycopg.Connection, tmp_path: Path) -> Intake:
    return Intake(ledger_connection, tmp_path / "data")


def test_everything_known_of_an_upload_is_on_record(intake: Intake, survey: dict[str, bytes]) -> None:
    dataset_id = intake.upload("good", survey)
    run = intake.open(dataset_id, "a")
    metrics = intake.play(run)
    assert metrics["preflight"]["verdict"] == "go"
    assert metrics["extract_metadata"] == {
        "images": 12, "with_position": 12, "with_time": 12, "with_mark": 12, "rtk_fixed": 12,
    }  # fmt: skip
    for image in intake.images(dataset_id).values():
        assert (image.status, image.flight, image.sensor_group) == ("assigned", 1, "rgb DJI AERODAG-SIM D 320x240")
        assert image.sha256 is not None
        assert image.sharpness is not None
        assert image.exif["aerodag:mark"]["distance_m"] < 0.05
    (mark_file,) = ledger.list_rtk_files(intake.conn, dataset_id=dataset_id)
    assert (mark_file.kind, mark_file.records, mark_file.matched) == ("mrk", 12, 12)
    assert mark_file.sha256 is not None
    view = intake.conn.execute("select has_rtk_data, rtk_quality_indicator, raw_image_count from v2_raw_images")
    assert view.fetchone() == (True, 50, 12)

    artifacts = {artifact.kind: artifact for artifact in ledger.list_artifacts(intake.conn, run_id=run.id)}
    assert "<svg" in local_path(artifacts["preflight"].uri).read_text("utf-8")
    with zipfile.ZipFile(local_path(artifacts["previews"].uri)) as previews:
        assert len(previews.namelist()) == 12
        assert max(Image.open(io.BytesIO(previews.read(previews.namelist()[0]))).size) == 160
    report = ledger.get_run(intake.conn, run_id=run.id).preflight
    assert report is not None
    assert report["rtk"]["fixed"] == 12


def test_a_step_tried_again_leaves_the_same_rows(intake: Intake, survey: dict[str, bytes]) -> None:
    names = sorted(name for name in survey if name.endswith(".JPG"))
    dataset_id = intake.upload("twice", survey | {"copy.JPG": survey[names[0]], "late.JPG": survey[names[2]][:9000]})
    run = intake.open(dataset_id, "a")
    intake.play(run)
    before, codes = intake.images(dataset_id), intake.codes(run)
    assert codes.keys() >= {"image.duplicate", "image.truncated"}
    intake.play(run)
    assert (intake.images(dataset_id), intake.codes(run)) == (before, codes)
    for step in INTAKE:
        intake.play(run, step)
        assert (intake.images(dataset_id), intake.codes(run)) == (before, codes), f"{step} cleared alone"


def test_a_person_overrules_the_checks(intake: Intake, survey: dict[str, bytes]) -> None:
    names = sorted(name for name in survey if name.endswith(".JPG"))
    black = io.BytesIO()
    header = Image.open(io.BytesIO(survey[names[1]]))
    Image.new("RGB", header.size).save(black, "JPEG", exif=header.getexif(), xmp=header.info["xmp"])
    dataset_id = intake.upload("choice", survey | {names[1]: black.getvalue()})
    first = intake.open(dataset_id, "a")
    intake.play(first)
    judged = intake.images(dataset_id)[names[1]]
    assert (judged.status, list(judged.reasons)) == ("rejected", ["image.black"])
    ledger.close_run(intake.conn, dag_run_id="a", state="succeeded")

    second = intake.open(dataset_id, "b", include_images=[names[1]], exclude_images=["*_0004_D.JPG", "nothing*"])
    intake.play(second)
    images = intake.images(dataset_id)
    assert (images[names[1]].status, list(images[names[1]].reasons)) == ("assigned", ["image.black"])
    assert [path for path, image in images.items() if image.status == "rejected"] == [names[3]]
    assert list(images[names[3]].reasons) == ["image.excluded"]
    assert intake.codes(second)["imagery.pattern_without_image"] == 1


def test_images_of_an_earlier_upload_are_named_and_used(intake: Intake, survey: dict[str, bytes]) -> None:
    first = intake.upload("first", survey)
    intake.play(intake.open(first, "a"))
    second = intake.upload("second", {f"again/{name}": content for name, content in survey.items()})
    run = intake.open(second, "b")
    intake.play(run)
    for path, image in intake.images(second).items():
        assert (image.status, image.duplicate_of_dataset) == ("assigned", first)
        assert image.duplicate_of == path.removeprefix("again/")
    (finding,) = [
        entry for entry in ledger.list_findings(intake.conn, run_id=run.id) if entry.code == "imagery.known_elsewhere"
    ]
    assert finding.numbers["images"] == 12
    assert finding.numbers["dataset_id"] == first


def test_what_cannot_work_stops_with_its_report_on_record(intake: Intake, survey: dict[str, bytes]) -> None:
    images = {name: content for name, content in survey.items() if name.endswith(".JPG")}
    broken = {name: content[: len(content) // 3] for name, content in images.items()}
    dataset_id = intake.upload("broken", broken)
    run = intake.open(dataset_id, "a")
    with pytest.raises(DataError) as caught:
        intake.play(run)
    assert caught.value.code == "imagery.too_few_usable"
    assert "0 of 12 images" in caught.value.message
    recorded = ledger.get_run(intake.conn, run_id=run.id).preflight
    assert recorded is not None
    assert recorded["verdict"]["decision"] == "no_go"
    assert intake.storage.product("reports", dataset_id, run.id, "preflight.html").is_file()


def test_control_points_and_positions_reach_the_engine_under_its_names(
    intake: Intake, survey: dict[str, bytes]
) -> None:
    """Two folders with the same file names: the engine's names differ, and the files beside the images follow them."""
    names = sorted(name for name in survey if name.endswith(".JPG"))
    files: dict[str, bytes] = {}
    for number, name in enumerate(names):
        files[f"{'ab'[number // 6]}/IMG_{number % 6}.JPG"] = survey[name]
    rows = [
        f"{10.98 + 1e-4 * point} 48.0713 612 100 {50 + view} a/IMG_{view}.JPG"
        for point in range(3)
        for view in range(3)
    ]
    files["gcp_list.txt"] = "\n".join(["EPSG:4326", *rows, "10.98 48.07 612 5 5 IMG_99.JPG"]).encode()
    dataset_id = intake.upload("control", files)
    run = intake.open(dataset_id, "a")
    intake.play(run)
    assert intake.codes(run)["gcp.images_absent"] == 1
    intake.play(run, "plan_engine")
    assert intake.codes(run)["engine.ground_control_unused"] == 1

    context = StepContext.of(intake.conn, intake.settings, run.dag_run_id)
    reconstruction.fill_project(context)
    lines = (context.project / "gcp_list.txt").read_text().splitlines()
    assert lines[0] == "EPSG:4326"
    assert {line.split()[5] for line in lines[1:]} == {"a_IMG_0.JPG", "a_IMG_1.JPG", "a_IMG_2.JPG"}
    assert len(lines) == 10
    assert {path.name for path in (context.project / "images").iterdir()} == {
        f"{folder}_IMG_{number}.JPG" for folder in "ab" for number in range(6)
    }
    assert not (context.project / "geo.txt").exists(), "the images' own XMP says it all"


def test_positions_of_marks_reach_the_engine(intake: Intake, survey: dict[str, bytes]) -> None:
    bare = {name: without_xmp(content) for name, content in survey.items()}
    dataset_id = intake.upload("marks", bare)
    run = intake.open(dataset_id, "a")
    intake.play(run)
    assert {image.position_source for image in intake.images(dataset_id).values()} == {"mrk"}
    context = StepContext.of(intake.conn, intake.settings, run.dag_run_id)
    reconstruction.fill_project(context)
    placed, _ = load_survey(context.project / "images")
    truth = {image.engine_name: image for image in intake.images(dataset_id).values()}
    assert len(placed.images) == 12
    for image in placed.images:
        assert image.longitude == pytest.approx(truth[image.name].longitude, abs=1e-9)
        assert image.std_e_m == pytest.approx(0.02, abs=1e-4), "a receiver is never believed below two centimetres"


def test_a_full_disk_is_no_fault_of_the_upload(
    intake: Intake, survey: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = intake.open(intake.upload("good", survey), "a")
    intake.play(run, *INTAKE[:-1])
    intake.conn.execute("update aerodag.run set review = false")
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(InfrastructureError) as caught:
        intake.play(run, "preflight")
    assert caught.value.code == "resources.disk"
