"""Runs and steps of the ledger: one active run per dataset, and a state that is derived."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from aerodag import ledger
from aerodag.errors import ConfigError, ResourceError
from aerodag.findings import Finding, Severity
from cases.ledger import OUT_OF_MEMORY, PIPELINE, Flow


def test_a_run_from_start_to_finish(flow: Flow) -> None:
    opened = flow.open()
    assert (opened.state, opened.started_at, opened.options) == ("queued", None, {"feature-quality": "high"})
    flow.start("stage")
    assert (flow.run.state, flow.run.started_at) == ("running", flow.now)
    flow.end("stage")
    assert flow.run.state == "running"
    flow.play(*PIPELINE[1:-1])
    assert (flow.run.state, flow.run.finished_at, flow.run.failure_code) == ("succeeded", flow.now, None)
    finished_at = flow.run.finished_at
    flow.play("cleanup")
    assert (flow.run.state, flow.run.finished_at) == ("succeeded", finished_at)
    assert flow.done == {"upload", "odm", "ortho", "cog", "thumbnail", "metadata"}
    assert flow.status["current_status"] == "idle"
    assert [step.duration_s for step in ledger.list_steps(flow.conn, run_id=opened.id)] == [60.0] * len(PIPELINE)


def test_status_follows_the_running_step(flow: Flow) -> None:
    flow.open()
    assert flow.status["current_status"] == "idle"
    seen = []
    for name in PIPELINE[:-2]:
        flow.start(name)
        seen.append(flow.status["current_status"])
        flow.end(name)
        assert flow.status["current_status"] == seen[-1], "no moment of idleness between two steps"
    assert seen == [
        "uploading",
        *["odm_processing"] * 6,
        *["ortho_processing"] * 2,
        "cog_processing",
        "thumbnail_processing",
        *["metadata_processing"] * 3,
    ]


@pytest.mark.parametrize(
    ("severity", "state"),
    [
        (Severity.INFO, "succeeded"),
        (Severity.WARNING, "succeeded"),
        (Severity.DEGRADED, "degraded"),
        (Severity.ERROR, "degraded"),
    ],
)
def test_findings_degrade_a_finished_run(flow: Flow, severity: Severity, state: str) -> None:
    run = flow.open()
    holes = Finding(severity, "ortho.holes", "12 % is empty.", "Fly lower.", numbers={"share": 0.12, "worst": math.nan})
    ledger.replace_findings(flow.conn, run_id=run.id, step="odm", findings=[holes, holes])
    flow.play("finish")
    assert flow.run.state == state
    findings = ledger.list_findings(flow.conn, run_id=run.id)
    assert [(entry.code, entry.numbers) for entry in findings] == [("ortho.holes", {"share": 0.12, "worst": None})]


def test_a_step_tried_again_replaces_what_it_found(flow: Flow) -> None:
    run = flow.open()
    by_step = {
        "assess_images": [Finding(Severity.WARNING, "image.blurred", "Blurred.", image=f"{n}.jpg") for n in range(3)],
        "odm": [Finding(Severity.INFO, "image.blurred", "Blurred.", image="7.jpg")],
    }
    for step, findings in by_step.items():
        ledger.replace_findings(flow.conn, run_id=run.id, step=step, findings=findings)
    ledger.replace_findings(flow.conn, run_id=run.id, step="assess_images", findings=by_step["assess_images"][:1])
    kept = ledger.list_findings(flow.conn, run_id=run.id)
    assert [(entry.step, entry.image) for entry in kept] == [("odm", "7.jpg"), ("assess_images", "0.jpg")]


def test_past_engine_runs_tell_what_they_took(flow: Flow) -> None:
    flow.open()
    flow.play("odm")
    assert ledger.past_engine_runs(flow.conn) == [], "without its figures a run teaches nothing"
    figures = {"images": 18, "megapixels_per_image": 9.0, "peak_rss_bytes": 745_000_000, "work_bytes": 9_000_000}
    ledger.add_metrics(flow.conn, run_id=flow.run.id, name="odm", map_index=-1, try_number=1, metrics=figures)
    (past,) = ledger.past_engine_runs(flow.conn)
    assert past == ledger.PastEngineRun(
        engine="auto",
        preset="standard",
        images=18,
        megapixels=9.0,
        peak_rss_bytes=745_000_000,
        seconds=60.0,
        disk_bytes=9_000_000,
    )


def test_a_failure_reaches_run_and_status(flow: Flow) -> None:
    flow.open()
    flow.play("stage")
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    run = flow.run
    assert (run.state, run.failure_code, run.failure_category, run.message, run.advice) == (
        "failed",
        *("odm.out_of_memory", "resources", "ODM needed more than 64 GB.", "Use fewer images."),
    )
    flow.play("cleanup")
    assert flow.run == run
    assert flow.status["has_error"]
    assert flow.status["error_message"] == "ODM needed more than 64 GB. Use fewer images."
    assert flow.done == {"upload", "has_error"}


def test_a_failed_cleanup_fails_nothing(flow: Flow) -> None:
    flow.open()
    flow.play(*PIPELINE[:-1])
    flow.start("cleanup")
    flow.end("cleanup", "failed", OUT_OF_MEMORY)
    assert flow.run.state == "succeeded"


def test_a_retry_keeps_the_run_running_and_the_try_on_record(flow: Flow) -> None:
    run = flow.open()
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    assert (flow.run.state, flow.run.failure_code) == ("running", None)
    flow.play("odm")
    assert [
        (step.try_number, step.state, step.failure_code) for step in ledger.list_steps(flow.conn, run_id=run.id)
    ] == [
        (1, "retrying", "odm.out_of_memory"),
        (2, "succeeded", None),
    ]


def test_clearing_a_failed_task_resumes_the_run(flow: Flow) -> None:
    flow.open()
    flow.play("stage")
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    flow.start("odm")
    assert (flow.run.state, flow.run.failure_code, flow.run.finished_at) == ("running", None, None)
    assert not flow.status["has_error"]
    flow.end("odm")
    flow.play(*PIPELINE[6:-1])
    assert flow.run.state == "succeeded"


def test_a_failure_of_an_earlier_attempt_does_not_count_again(flow: Flow) -> None:
    flow.open()
    flow.start("cog")
    flow.end("cog", "failed", OUT_OF_MEMORY)
    assert flow.open().state == "queued"
    flow.play("stage", "validate")
    assert (flow.run.state, flow.run.failure_code) == ("running", None)


def test_a_parallel_step_keeps_the_run_running_until_it_ends(flow: Flow) -> None:
    flow.open()
    flow.start("cog")
    flow.start("thumbnail")
    flow.end("cog", "failed", OUT_OF_MEMORY)
    assert flow.run.state == "running"
    flow.end("thumbnail")
    assert (flow.run.state, flow.run.failure_code) == ("failed", "odm.out_of_memory")


def test_a_late_end_of_an_older_try_decides_nothing(flow: Flow) -> None:
    flow.open()
    flow.start("odm")
    flow.start("odm")
    flow.tries["odm"] = 1
    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert flow.run.state == "running"


def test_the_claim_ends_after_its_run_was_opened(flow: Flow) -> None:
    flow.start("claim")
    assert ledger.find_run(flow.conn, dag_run_id=flow.dag_run_id) is None
    run = flow.open()
    assert ledger.list_steps(flow.conn, run_id=run.id) == []
    flow.end("claim")
    (step,) = ledger.list_steps(flow.conn, run_id=run.id)
    assert (step.name, step.state, step.duration_s, step.host) == ("claim", "succeeded", 60.0, "worker-1")
    assert flow.run.state == "queued"


def test_steps_of_no_run_are_not_recorded(flow: Flow) -> None:
    flow.play("stage")
    assert flow.conn.execute("select count(*) from aerodag.step").fetchone() == (0,)


def test_step_records_are_idempotent_and_keep_the_first_start(flow: Flow) -> None:
    run = flow.open()
    flow.start("odm")
    first_start = flow.now
    ledger.add_metrics(
        flow.conn, run_id=run.id, name="odm", map_index=-1, try_number=1, metrics={"images": 18, "ratio": float("inf")}
    )
    flow.tries["odm"] = 0
    flow.start("odm")
    ledger.add_metrics(
        flow.conn, run_id=run.id, name="odm", map_index=-1, try_number=1, metrics={"peak_rss_bytes": 2**40}
    )
    for _ in range(2):
        flow.end("odm", "failed", OUT_OF_MEMORY)
    (step,) = ledger.list_steps(flow.conn, run_id=run.id)
    assert (step.started_at, step.finished_at, step.state) == (first_start, flow.now, "failed")
    assert step.metrics == {"images": 18, "ratio": None, "peak_rss_bytes": 2**40}


def test_steps_are_listed_by_first_start_with_their_newest_try_last(flow: Flow) -> None:
    run = flow.open()
    flow.play("stage", "odm", "cog", "odm")
    listed = [(step.name, step.try_number) for step in ledger.list_steps(flow.conn, run_id=run.id)]
    assert listed == [("stage", 1), ("odm", 1), ("odm", 2), ("cog", 1)]


def test_one_active_run_per_dataset(flow: Flow) -> None:
    first = flow.open()
    second = Flow(flow.conn, flow.dataset_id, "manual_2")
    with pytest.raises(ConfigError, match=f"run {first.id} \\(manual_1, queued\\)") as caught:
        second.open()
    assert caught.value.code == "run.active"
    assert caught.value.numbers["active_run_id"] == first.id

    flow.play("finish")
    assert second.open().id != first.id
    with pytest.raises(ConfigError, match="manual_2") as caught:
        ledger.resume_run(flow.conn, run_id=first.id)
    assert caught.value.code == "run.active"
    with pytest.raises(ConfigError, match="manual_2"):
        flow.open()
    flow.start("cog")
    assert flow.run.state == "succeeded", "the step is on record, the run stays as it was"
    flow.end("cog", "failed", OUT_OF_MEMORY)
    assert (flow.run.state, second.run.state) == ("failed", "queued")


def test_of_many_sessions_one_opens_a_run(database_url: str, dataset: ledger.Dataset) -> None:
    def attempt(number: int) -> str:
        with ledger.connect(database_url) as conn:
            try:
                Flow(conn, dataset.id, f"manual_{number}").open()
            except ConfigError as error:
                return error.code
            return "opened"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(24)))
    assert sorted(outcomes) == ["opened"] + ["run.active"] * 23


def test_parallel_steps_of_one_run_do_not_deadlock(database_url: str, flow: Flow) -> None:
    flow.open()

    def work(number: int) -> None:
        with ledger.connect(database_url) as conn:
            mine = Flow(conn, flow.dataset_id)
            for _ in range(10):
                mine.play(f"step_{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(ledger.list_steps(flow.conn, run_id=flow.run.id)) == 60
    assert flow.run.state == "running"


def test_opening_again_is_the_same_run_with_its_planned_engine(flow: Flow) -> None:
    first = flow.open()
    ledger.set_plan(flow.conn, run_id=first.id, engine="embedded", plan={"gsd_cm": 2.5}, engine_digest="4.2.1")
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    again = flow.open()
    assert (again.id, again.state, again.engine, again.plan, again.engine_digest, again.failure_code) == (
        *(first.id, "queued", "embedded", {"gsd_cm": 2.5}, "4.2.1", None),
    )
    assert again.attempt_at > first.attempt_at
    resumed = ledger.resume_run(flow.conn, run_id=first.id)
    assert (resumed.state, flow.open().state) == ("running", "running")


def test_open_run_refuses_what_does_not_fit(flow: Flow) -> None:
    flow.open()
    with pytest.raises(ConfigError) as caught:
        Flow(flow.conn, 404, "other").open()
    assert caught.value.code == "dataset.unknown"
    other = ledger.register(
        flow.conn,
        name="b",
        owner="b",
        source_uri="file:///b",
        content_sha256="1" * 64,
        size_bytes=1,
        upload_type="geotiff",
    ).dataset
    with pytest.raises(ConfigError) as caught:
        Flow(flow.conn, other.id).open()
    assert caught.value.code == "run.other_dataset"
    for call in (
        lambda: ledger.resume_run(flow.conn, run_id=404),
        lambda: ledger.get_run(flow.conn, run_id=404),
        lambda: ledger.set_plan(flow.conn, run_id=404, engine="odm", plan={}),
    ):
        with pytest.raises(ConfigError) as caught:
            call()
        assert caught.value.code == "run.unknown"


def test_closing_ends_what_was_left_open_and_stays_closed(flow: Flow) -> None:
    run = flow.open()
    flow.start("odm")
    closed = ledger.close_run(
        flow.conn,
        dag_run_id=flow.dag_run_id,
        state="cancelled",
        code="run.cancelled",
        message="Stopped by a person.",
        advice="Start it again.",
    )
    assert closed
    assert (closed.state, closed.failure_category) == ("cancelled", "cancelled")
    assert [step.state for step in ledger.list_steps(flow.conn, run_id=run.id)] == ["failed"]
    assert flow.status["current_status"] == "idle"

    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert (flow.run.state, flow.run.failure_code) == ("cancelled", "run.cancelled")
    assert ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="failed") is None
    assert ledger.close_run(flow.conn, dag_run_id="unknown", state="failed") is None


def test_closing_prefers_the_failure_of_a_step_to_the_words_given(flow: Flow) -> None:
    flow.open()
    flow.start("thumbnail")
    flow.start("cog")
    flow.end("cog", "failed", OUT_OF_MEMORY)
    assert flow.run.state == "running"
    closed = ledger.close_run(
        flow.conn, dag_run_id=flow.dag_run_id, state="failed", code="run.ended", message="It ended.", advice="Look."
    )
    assert closed
    assert (closed.failure_code, closed.message) == ("odm.out_of_memory", OUT_OF_MEMORY.message)


def test_closing_tells_the_words_given_where_no_step_failed(flow: Flow) -> None:
    flow.open()
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    closed = ledger.close_run(
        flow.conn, dag_run_id=flow.dag_run_id, state="failed", code="run.timeout", message="It ended.", advice="Look."
    )
    assert closed
    assert (closed.failure_code, closed.message, closed.failure_category) == ("run.timeout", "It ended.", None)


def test_closing_without_a_code_tells_the_failure_of_the_step(flow: Flow) -> None:
    flow.open()
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    closed = ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="failed")
    assert closed
    assert (closed.failure_code, closed.failure_category, closed.advice) == (
        *("odm.out_of_memory", "resources", "Use fewer images."),
    )


def test_a_failure_is_made_of_a_pipeline_error() -> None:
    error = ResourceError("odm.out_of_memory", "ODM needed more than 64 GB.", advice="Use fewer images.")
    assert ledger.Failure.of(error) == OUT_OF_MEMORY
