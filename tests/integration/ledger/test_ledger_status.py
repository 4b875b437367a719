"""What the platform reads of a dataset: flags that are derived from steps, overview and note."""

from __future__ import annotations

from typing import Any

from psycopg.rows import dict_row

from aerodag import ledger
from cases.ledger import OUT_OF_MEMORY, PIPELINE, START, Flow


def test_a_rerun_under_way_or_failed_does_not_look_done(flow: Flow) -> None:
    flow.open()
    flow.play(*PIPELINE)
    rerun = Flow(flow.conn, flow.dataset_id, "manual_2")
    rerun.open()
    assert rerun.done == {"upload"}
    rerun.play(*PIPELINE[: PIPELINE.index("publish_ortho") + 1])
    assert rerun.done == {"upload", "odm"}
    rerun.start("standardise")
    rerun.end("standardise", "failed", OUT_OF_MEMORY)
    assert rerun.done == {"upload", "odm", "has_error"}


def test_a_cog_only_rerun_leaves_the_rest_alone(flow: Flow) -> None:
    flow.open()
    flow.play(*PIPELINE)
    rerun = Flow(flow.conn, flow.dataset_id, "manual_2", ("cog",))
    rerun.open()
    rest = {"upload", "odm", "ortho", "thumbnail", "metadata"}
    assert rerun.done == rest
    rerun.start("cog")
    assert (rerun.done, rerun.status["current_status"]) == (rest, "cog_processing")
    rerun.end("cog", "failed", OUT_OF_MEMORY)
    assert rerun.done == {*rest, "has_error"}
    rerun.play("cog", "finish")
    assert rerun.done == {*rest, "cog"}


def test_a_skipped_step_leaves_the_earlier_product_valid(flow: Flow) -> None:
    flow.open()
    flow.play(*PIPELINE)
    rerun = Flow(flow.conn, flow.dataset_id, "manual_2")
    rerun.open()
    for name in ("odm", "publish_ortho"):
        rerun.start(name)
        rerun.end(name, "skipped")
    rerun.play(*PIPELINE[7:])
    assert rerun.done == {"upload", "odm", "ortho", "cog", "thumbnail", "metadata"}


def test_a_step_that_is_not_started_says_why_and_can_be_run_later(flow: Flow) -> None:
    run = flow.open()
    for _ in range(2):  # claim may be cleared
        ledger.skip_steps(flow.conn, run_id=run.id, reasons={"odm": "A GeoTIFF has no images to work on."})
    (step,) = ledger.list_steps(flow.conn, run_id=run.id)
    assert (step.name, step.state, step.try_number, step.metrics) == (
        "odm", "skipped", 0, {"reason": "A GeoTIFF has no images to work on."},
    )  # fmt: skip
    assert ledger.get_run(flow.conn, run_id=run.id).state == "queued"
    flow.play("odm")
    assert [(step.try_number, step.state) for step in ledger.list_steps(flow.conn, run_id=run.id)] == [
        (0, "skipped"), (1, "succeeded"),
    ]  # fmt: skip


def test_every_mapped_instance_has_to_succeed(flow: Flow) -> None:
    flow.open()
    flow.play("cog")
    ledger.step_started(
        flow.conn,
        dag_run_id=flow.dag_run_id,
        name="cog",
        map_index=1,
        try_number=1,
        host="worker-2",
        started_at=START,
    )
    assert "cog" not in flow.done


def test_quarantine_is_an_error_without_an_upload(flow: Flow) -> None:
    ledger.quarantine(flow.conn, dataset_id=flow.dataset_id, raw_uri="file:///quarantine/1.zip")
    ledger.add_event(
        flow.conn, kind="dataset.quarantined", message="Entry 3 leaves the ZIP.", dataset_id=flow.dataset_id
    )
    assert flow.done == {"has_error"}
    assert flow.status["error_message"] == "Entry 3 leaves the ZIP."


def test_overview_follows_the_run(flow: Flow) -> None:
    def overview() -> dict[str, Any]:
        with flow.conn.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute("select * from v2_processing_overview").fetchone()
        assert row
        return row

    assert overview()["processing_status"] == "QUEUED"
    run = flow.open()
    assert overview()["processing_status"] == "QUEUED"
    flow.start("odm")
    ledger.record_stage(flow.conn, run_id=run.id, stage="opensfm", percent=20, started_at=START)
    for number in range(25):
        ledger.add_event(flow.conn, kind="odm.log", message=f"line {number}", run_id=run.id)
    row = overview()
    assert (row["processing_status"], row["processing_source"]) == ("PROCESSING", "odm")
    assert (row["current_step"], row["current_stage"], row["current_stage_percent"]) == ("odm", "opensfm", 20)
    lines = row["last_20_logs"].splitlines()
    assert len(lines) == 20
    assert lines[0].endswith("odm.log: line 5")
    assert lines[-1].endswith("odm.log: line 24")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert (overview()["processing_status"], overview()["error_message"]) == ("FAILED", OUT_OF_MEMORY.message)
    flow.play("odm", "finish")
    assert (overview()["processing_status"], overview()["last_20_logs"].count("\n")) == ("COMPLETED", 19)


def test_a_note_is_the_sentence_of_the_task_log(flow: Flow) -> None:
    assert ledger.run_note(flow.conn, dag_run_id=flow.dag_run_id) is None
    details = {"dag_run_id": flow.dag_run_id}
    ledger.add_event(flow.conn, kind="run.refused", message="[run.active] Busy.", details=details)
    assert ledger.run_note(flow.conn, dag_run_id=flow.dag_run_id) == "[run.active] Busy."
    flow.open()
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    sentence = "[odm.out_of_memory] ODM needed more than 64 GB. Use fewer images."
    assert ledger.run_note(flow.conn, dag_run_id=flow.dag_run_id) == sentence
    flow.play("odm", "finish")
    assert ledger.run_note(flow.conn, dag_run_id=flow.dag_run_id) == "Dataset 1 (flight.zip): succeeded."
