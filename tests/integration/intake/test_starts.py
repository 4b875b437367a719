"""Which runs start next: first ones and requested ones, by priority, as places allow."""

from datetime import UTC, datetime, timedelta

import pytest

from aerodag import ledger
from aerodag.pipeline.reprocessing import Mode, Order, plan, reprocess
from aerodag.settings import Settings

DAY = timedelta(days=1)


class Datasets:
    """Datasets on a real ledger; `run` gives one a run."""

    def __init__(self, conn):
        self.conn = conn

    def add(self, name, *, upload_type="raw_images_zip", priority=3):
        number = self.conn.execute("select count(*) from aerodag.dataset").fetchone()[0] + 1
        registration = ledger.register(
            self.conn, name=name, owner="anna", source_uri=f"file:///incoming/{name}", content_sha256=f"{number:064x}",
            size_bytes=10, upload_type=upload_type, priority=priority,
        )  # fmt: skip
        return registration.dataset.id

    def run(self, dataset_id, dag_run_id, state=None, *, priority=3, version="1", category="engine"):
        ledger.open_run(
            self.conn, dataset_id=dataset_id, dag_run_id=dag_run_id, task_types=["odm_processing"], preset="forest",
            engine="auto", options={"min-num-features": 9000}, priority=priority, exclude_images=["a.JPG"],
            pipeline_version=version,
        )  # fmt: skip
        if state:
            ledger.close_run(
                self.conn, dag_run_id=dag_run_id, state=state, code="engine.failed", message="m", advice="a",
                category=category if state == "failed" else None,
            )  # fmt: skip

    def due(self, places=4):
        return [start.dataset_id for start in ledger.starts_due(self.conn, places=places)]


@pytest.fixture
def datasets(ledger_connection):
    return Datasets(ledger_connection)


def test_the_urgent_and_then_the_old_go_first(datasets):
    normal, batch, later, urgent = (
        datasets.add(name, priority=priority)
        for name, priority in (("normal", 3), ("batch", 2), ("later", 3), ("urgent", 5))
    )
    assert datasets.due(places=9) == [urgent, normal, later, batch]
    assert datasets.due(places=2) == [urgent, normal]


def test_runs_under_way_take_places_of_those_that_are_no_more_urgent(datasets):
    for number in range(4):
        datasets.run(datasets.add(f"slow_{number}"), f"slow_{number}")
    datasets.add("background", priority=1)
    datasets.add("normal")
    assert datasets.due(places=4) == []
    urgent = datasets.add("urgent", priority=5)
    assert datasets.due(places=4) == [urgent]


def test_a_queue_of_surveys_does_not_hold_up_a_geotiff(datasets):
    for number in range(4):
        datasets.run(datasets.add(f"slow_{number}"), f"slow_{number}")
    datasets.add("survey")
    geotiff = datasets.add("map", upload_type="geotiff")
    assert datasets.due(places=4) == [geotiff]


def test_what_was_asked_for_is_not_offered_again_at_once_and_takes_a_place(datasets):
    first, second = datasets.add("first"), datasets.add("second")
    (start,) = ledger.starts_due(datasets.conn, places=1)
    assert start.dataset_id == first
    assert start.conf == {"dataset_id": first, "priority": 3}
    ledger.asked_to_start(datasets.conn, start)
    assert datasets.due(places=1) == []
    assert datasets.due(places=2) == [second]


def test_a_request_starts_when_the_dataset_is_free(datasets):
    dataset = datasets.add("field")
    datasets.run(dataset, "first", "failed")
    given = {"dataset_id": dataset, "conf": {"preset": "forest"}, "priority": 1, "reason": "r", "requested_by": "me"}
    assert ledger.request_start(datasets.conn, dag_run_id="field__v2", **given)
    assert not ledger.request_start(datasets.conn, dag_run_id="field__v2", **given)
    datasets.run(dataset, "by_hand")
    assert datasets.due() == []
    ledger.close_run(datasets.conn, dag_run_id="by_hand", state="failed", code="c", message="m", advice="a")
    (start,) = ledger.starts_due(datasets.conn, places=4)
    assert (start.dag_run_id, start.conf) == ("field__v2", {"preset": "forest"})
    ledger.asked_to_start(datasets.conn, start)
    assert datasets.due() == []
    datasets.run(dataset, "field__v2", "succeeded")
    assert datasets.due() == []


class TestReprocess:
    @pytest.fixture
    def settings(self, tmp_path):
        return Settings(home=tmp_path, pipeline_version="1")

    def span(self):
        now = datetime.now(UTC)
        return {"uploaded_from": now - DAY, "uploaded_to": now + DAY}

    def test_five_hundred_failed_datasets_are_requested_once(self, datasets, settings):
        for number in range(500):
            datasets.run(datasets.add(f"field_{number}"), f"run_{number}", "failed")
        order = Order(Mode.FAILED, priority=2)
        dry = plan(datasets.conn, settings, order, **self.span())
        assert sum(decision.process for decision in dry) == 500
        assert datasets.due(places=600) == []

        outcome = reprocess(datasets.conn, settings, order, **self.span(), requested_by="backfill__1")
        assert outcome.requested == 500
        again = reprocess(datasets.conn, settings, order, **self.span(), requested_by="backfill__1")
        assert again.requested == 0
        assert {decision.reason for decision in again.decisions} == {"It waits for its run already."}
        starts = ledger.starts_due(datasets.conn, places=600)
        assert len({start.dag_run_id for start in starts}) == 500
        assert starts[0].conf == {
            "dataset_id": starts[0].dataset_id, "task_types": ["odm_processing"], "preset": "forest",
            "engine": "auto", "priority": 2, "engine_options": {"min-num-features": 9000},
            "review": False, "exclude_images": ["a.JPG"],
        }  # fmt: skip

    def test_nothing_loops_for_ever(self, datasets, settings):
        dataset = datasets.add("cursed")
        for attempt in range(settings.reprocessing.max_attempts):
            datasets.run(dataset, f"run_{attempt}", "failed")
        (decision,) = plan(datasets.conn, settings, Order(Mode.ALL), **self.span())
        assert not decision.process
        assert "3 times in a row" in decision.reason

        datasets.run(dataset, "by_hand", "succeeded")
        datasets.run(dataset, "later", "failed")
        (decision,) = plan(datasets.conn, settings, Order(Mode.ALL), **self.span())
        assert decision.process

    def test_only_the_time_span_counts(self, datasets, settings):
        datasets.run(datasets.add("field"), "run", "failed")
        span = {"uploaded_from": datetime.now(UTC) + DAY, "uploaded_to": datetime.now(UTC) + 2 * DAY}
        assert plan(datasets.conn, settings, Order(Mode.ALL), **span) == []

    def test_one_pass_is_bounded(self, datasets, tmp_path):
        for number in range(3):
            datasets.run(datasets.add(f"field_{number}"), f"run_{number}", "failed")
        settings = Settings(home=tmp_path, pipeline_version="1", reprocessing={"batch": 2})
        decisions = plan(datasets.conn, settings, Order(Mode.FAILED), **self.span())
        assert [decision.process for decision in decisions] == [True, True, False]


class TestStatus:
    def test_a_run_can_be_followed_before_it_starts(self, datasets):
        ahead, dataset = datasets.add("ahead"), datasets.add("field")
        dag_run_id = ledger.newest_run_of_dataset(datasets.conn, dataset_id=dataset)
        status = ledger.run_status(datasets.conn, dag_run_id=dag_run_id)
        assert (status.state, status.dataset_id, status.dataset, status.run_id) == ("waiting", dataset, "field", None)
        assert ledger.queue_place(datasets.conn, dataset_id=ahead, places=1).position == 1
        assert ledger.queue_place(datasets.conn, dataset_id=dataset, places=1).position == 2

        datasets.run(dataset, dag_run_id)
        assert ledger.run_status(datasets.conn, dag_run_id=dag_run_id).state == "queued"

    def test_a_failed_run_says_why(self, datasets):
        dataset = datasets.add("field")
        datasets.run(dataset, "first", "failed")
        status = ledger.run_status(datasets.conn, dag_run_id="first")
        assert (status.state, status.code, status.message, status.advice) == ("failed", "engine.failed", "m", "a")
        assert ledger.newest_run_of_dataset(datasets.conn, dataset_id=dataset) == "first"
        assert ledger.queue_place(datasets.conn, dataset_id=dataset, places=1).position is None

    def test_nothing_is_known_of_other_runs(self, datasets):
        datasets.add("field")
        assert ledger.run_status(datasets.conn, dag_run_id="field__111111111111") is None
        assert ledger.run_status(datasets.conn, dag_run_id="another") is None
        assert ledger.newest_run_of_dataset(datasets.conn, dataset_id=99) is None
