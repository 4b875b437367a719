"""ZIPs through a real Airflow: the embedded set-up, started as a person starts it, with nothing replaced."""

from __future__ import annotations

import json
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
import rasterio
from rio_cogeo import cog_validate

from aerodag import ledger
from aerodag.simulate import Position, Survey, simulate
from aerodag.storage import local_path
from samples.rasters import ground, save, save_rgba
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
SMALL = {"images": 12, "width": 800, "height": 600}
STEPS = {
    "claim", "stage", "validate", "extract_metadata", "assess_images", "preflight", "plan_engine", "odm",
    "publish_ortho", "standardise", "cog", "thumbnail", "metadata", "promote", "stac", "finish", "cleanup",
}  # fmt: skip


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    with served(tmp_path_factory.mktemp("aerodag"), SetUp) as running:
        yield running


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate(Survey(**SMALL), tmp_path_factory.mktemp("survey") / "survey.zip")


def test_a_simulated_survey_becomes_a_valid_cog(set_up, survey):
    set_up.drop(survey.zip_path, "simulated.zip")
    run = set_up.run_of("simulated")
    assert (run.state, run.message) == ("succeeded", None)

    steps = ledger.list_steps(set_up.conn, run_id=run.id)
    assert {step.name for step in steps if step.state == "skipped"} == {"indices", "review"}
    assert {step.name for step in steps} == STEPS | {"indices", "review"}
    for step in (step for step in steps if step.name in STEPS):
        assert step.state == "succeeded", step
        assert step.try_number == 1, step
        assert step.host, step
        assert step.duration_s is not None, step
        assert step.metrics or step.name == "claim", step

    made = ledger.list_artifacts(set_up.conn, run_id=run.id)
    artifacts = {artifact.kind: artifact for artifact in made if not artifact.name}
    cog = local_path(artifacts["cog"].uri)
    assert cog_validate(cog, strict=True)[0]
    with rasterio.open(cog) as image, rasterio.open(local_path(artifacts["orthophoto"].uri)) as source:
        assert image.crs == source.crs
        assert image.bounds == source.bounds
    assert local_path(artifacts["thumbnail"].uri).stat().st_size > 1000
    assert {"dsm", "statistics", "shots", "cameras"} <= artifacts.keys()
    dsm = artifacts["dsm"]
    assert (dsm.crs, dsm.details["height_datum"]) == (artifacts["orthophoto"].crs, "unknown")
    assert json.loads(local_path(artifacts["stac"].uri).read_text())["assets"].keys() >= {"visual", "dsm", "shots"}
    assert run.preflight is not None
    assert (run.preflight["verdict"]["decision"], run.preflight["images"]) == ("go", {"assigned": SMALL["images"]})
    assert local_path(artifacts["preflight"].uri).read_text("utf-8").count("data:image/") == SMALL["images"]
    assert ledger.get_dataset(set_up.conn, dataset_id=run.dataset_id).captured_from is not None

    status = set_up.conn.execute(
        "select is_odm_done, is_cog_done, is_thumbnail_done, has_error from public.v2_statuses where dataset_id = %s",
        [run.dataset_id],
    ).fetchone()
    assert status == (True, True, True, False)
    assert not set_up.storage.work(run.id).exists()
    assert not list(set_up.storage.incoming.iterdir())


def test_the_same_content_again_is_reported_and_not_processed(set_up, survey):
    first = set_up.run_of("simulated")
    set_up.drop(survey.zip_path, "renamed.zip")
    deadline = time.monotonic() + 300
    while list(set_up.storage.incoming.iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    events = set_up.conn.execute(
        "select count(*) from aerodag.event where kind = 'upload.known' and dataset_id = %s", [first.dataset_id]
    ).fetchone()
    assert events == (1,)
    runs = set_up.conn.execute("select count(*) from aerodag.run where dataset_id = %s", [first.dataset_id]).fetchone()
    assert runs == (1,)


def test_a_cleared_task_runs_again_and_the_run_succeeds_again(set_up, survey):
    run = set_up.run_of("simulated")
    set_up.rest(
        "POST",
        "dags/process_dataset/clearTaskInstances",
        {
            "dry_run": False,
            "dag_run_id": run.dag_run_id,
            "task_ids": ["cog"],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        },
    )
    deadline = time.monotonic() + 300
    while True:
        steps = ledger.list_steps(set_up.conn, run_id=run.id)
        again = {step.name: step.state for step in steps if step.try_number == 2}
        if again.get("cog") == again.get("finish") == again.get("cleanup") == "succeeded":
            break
        assert time.monotonic() < deadline, again
        time.sleep(0.3)
    after = ledger.find_run(set_up.conn, dag_run_id=run.dag_run_id)
    assert after is not None
    assert after.state == "succeeded"
    assert "odm" not in again


def test_a_run_by_rest_makes_only_what_it_was_asked_for(set_up, survey):
    first = set_up.run_of("simulated")
    conf = {"dataset_id": first.dataset_id, "task_types": ["thumbnail"]}
    set_up.client.trigger("process_dataset", "only_thumbnail", conf)
    deadline = time.monotonic() + 300
    while (run := set_up.run_of("simulated")).dag_run_id != "only_thumbnail":
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert run.state == "succeeded"
    states = {step.name: step.state for step in ledger.list_steps(set_up.conn, run_id=run.id)}
    assert {name for name, state in states.items() if state == "succeeded"} == {
        "claim", "stage", "thumbnail", "promote", "stac", "finish", "cleanup",
    }  # fmt: skip
    assert {state for name, state in states.items() if name in {"odm", "publish_ortho", "cog"}} == {"skipped"}
    assert {artifact.kind for artifact in ledger.list_artifacts(set_up.conn, run_id=run.id)} == {"thumbnail", "stac"}
    status = set_up.conn.execute(
        "select is_odm_done, is_cog_done, is_thumbnail_done from public.v2_statuses where dataset_id = %s",
        [run.dataset_id],
    ).fetchone()
    assert status == (True, True, True)


def test_a_geotiff_takes_the_same_dag(set_up, tmp_path):
    set_up.drop(save_rgba(tmp_path / "map.tif"), "map.tif")
    set_up.drop(save(tmp_path / "nowhere.tif", ground(), crs=None), "nowhere.tif")
    run = set_up.run_of("map")
    assert (run.state, run.message) == ("succeeded", None)
    states = {step.name: step.state for step in ledger.list_steps(set_up.conn, run_id=run.id)}
    assert {name for name, state in states.items() if state == "skipped"} == {
        "validate", "extract_metadata", "assess_images", "preflight", "review", "plan_engine", "odm", "indices",
    }  # fmt: skip
    cog = ledger.current_artifact(set_up.conn, dataset_id=run.dataset_id, kind="cog")
    assert cog is not None
    assert cog_validate(local_path(cog.uri), strict=True)[0]
    status = set_up.conn.execute(
        "select is_odm_done, is_ortho_done, is_cog_done, has_error from public.v2_statuses where dataset_id = %s",
        [run.dataset_id],
    ).fetchone()
    assert status == (False, True, True, False)

    refused = set_up.run_of("nowhere")
    assert (refused.state, refused.failure_code) == ("failed", "raster.no_crs")
    dataset = ledger.get_dataset(set_up.conn, dataset_id=refused.dataset_id)
    assert local_path(str(dataset.raw_uri)).parent.parent.name == "quarantine"


@pytest.fixture(scope="module")
def bad_uploads(survey, tmp_path_factory):
    """Three uploads that cannot work, with the code that each must end with."""
    folder = tmp_path_factory.mktemp("bad")
    whole = survey.zip_path.read_bytes()
    with zipfile.ZipFile(survey.zip_path) as bundle:
        images = [name for name in bundle.namelist() if name.lower().endswith(".jpg")]
        spoiled = [bundle.getinfo(name).header_offset + 4000 for name in images[:3]]
        with zipfile.ZipFile(folder / "two_images.zip", "w") as few:
            for name in images[:2]:
                few.writestr(name, bundle.read(name))
    damaged = bytearray(whole)
    for middle in spoiled:
        damaged[middle : middle + 64] = bytes(byte ^ 0xFF for byte in whole[middle : middle + 64])
    (folder / "corrupt.zip").write_bytes(damaged)
    simulate(Survey(images=4, width=400, height=300, position=Position.NONE), folder / "no_gps.zip")
    return folder, {
        "corrupt": "archive.damaged",
        "two_images": "archive.too_few_images",
        "no_gps": "imagery.no_gps",
    }


def test_bad_uploads_end_with_their_reason_and_leave_only_the_quarantined_input(set_up, bad_uploads):
    folder, codes = bad_uploads
    for name in codes:
        set_up.drop(folder / f"{name}.zip", f"{name}.zip")
    for name, code in codes.items():
        run = set_up.run_of(name)
        assert (run.state, run.failure_code) == ("failed", code)
        assert run.advice
        failed = [step for step in ledger.list_steps(set_up.conn, run_id=run.id) if step.state == "failed"]
        assert [(step.try_number, step.failure_code) for step in failed] == [(1, code)]

        dataset = ledger.get_dataset(set_up.conn, dataset_id=run.dataset_id)
        assert dataset.quarantined_at is not None
        kept = local_path(str(dataset.raw_uri))
        assert kept.read_bytes() == (folder / f"{name}.zip").read_bytes()
        assert json.loads(kept.with_name("reason.json").read_text())["code"] == code
        assert not set_up.storage.work(run.id).exists()
        kept_classes = [set_up.storage.root / name for name in ("raw_images", "archive", "cogs", "quarantine")]
        left = [path for name in kept_classes for path in (name / str(dataset.id)).rglob("*") if path.is_file()]
        assert sorted(path.name for path in left) == sorted([kept.name, "reason.json"])

        deadline = time.monotonic() + 300
        while not (note := set_up.rest("GET", f"dags/process_dataset/dagRuns/{run.dag_run_id}")["note"]):
            assert time.monotonic() < deadline
            time.sleep(0.3)
        assert note == f"[{code}] {run.message} {run.advice}"


def test_nonsense_parameters_are_refused_by_rest(set_up):
    for conf in ({"preset": "magic"}, {"task_types": ["coffee"]}, {"engine_options": {"--rm": "-rf"}}):
        with pytest.raises(urllib.request.HTTPError) as refusal:
            set_up.client.trigger("process_dataset", f"nonsense_{time.time_ns()}", conf)
        assert refusal.value.code == 400


def test_real_images_become_a_valid_cog(set_up, brighton_beach, tmp_path):
    bundle = tmp_path / "brighton.zip"
    with zipfile.ZipFile(bundle, "w") as target:
        for image in brighton_beach:
            target.write(image, f"flight/{image.name}")
    set_up.drop(bundle, "brighton.zip")
    run = set_up.run_of("brighton", seconds=600)
    assert (run.state, run.message) == ("succeeded", None)
    odm = next(step for step in ledger.list_steps(set_up.conn, run_id=run.id) if step.name == "odm")
    assert odm.metrics["registered"] == 18
    artifact = ledger.current_artifact(set_up.conn, dataset_id=run.dataset_id, kind="cog")
    assert artifact is not None
    assert cog_validate(local_path(artifact.uri), strict=True)[0]
    assert artifact.crs == "EPSG:32615"
    west, south, east, north = artifact.bbox
    assert west < -91.9939 < east
    assert south < 46.8425 < north
