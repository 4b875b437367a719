"""The review against a real ledger, without an Airflow: who is asked, what is asked, what the answers do."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.errors import CancelledError, ConfigError, DataError, InfrastructureError, RemediedError
from aerodag.ledger import Run
from aerodag.pipeline import review
from aerodag.pipeline.answers import Answer, Option
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.steps import STEPS
from aerodag.settings import Review, Settings
from aerodag.simulate import Survey, simulate
from aerodag.storage import Storage
from cases.registered import registered

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
INTAKE = ("stage", "validate", "extract_metadata", "assess_images")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(Survey(images=12, width=320, height=240), tmp_path_factory.mktemp("survey") / "a.zip").zip_path


class Case:
    """One dataset and its run, played up to the pre-flight."""

    def __init__(self, conn: psycopg.Connection, root: Path, survey: Path) -> None:
        self.conn, self.settings = conn, Settings(data_root=root)
        self.storage = Storage.of(self.settings)
        self.storage.create()
        with zipfile.ZipFile(survey) as bundle:
            self.names = sorted(name for name in bundle.namelist() if name.endswith(".JPG"))
        source = self.storage.incoming / "a*b.zip"
        source.write_bytes(survey.read_bytes())
        self.dataset = registered(conn, source)

    def open(self, dag_run_id: str = "a", *, wanted: bool | None = None) -> Run:
        return ledger.open_run(
            self.conn,
            dataset_id=self.dataset.id,
            dag_run_id=dag_run_id,
            task_types=["odm_processing"],
            preset="standard",
            engine="auto",
            options={},
            priority=2,
            review=wanted,
        )

    @property
    def context(self) -> StepContext:
        return StepContext.of(self.conn, self.settings, "a")

    def play(self, *steps: str) -> Metrics:
        return [STEPS[name].work(self.context) for name in steps][-1]

    def ask(self) -> review.Question:
        return review.ask(self.context, NOW)

    def answer(self, option: Option, *images: str, by: str | None = "anna", note: str | None = None) -> Metrics:
        return review.settle(
            self.context, Answer(option=option, at=NOW, by=by, by_default=by is None, images=images, note=note)
        )

    @property
    def reviews(self) -> list[ledger.Review]:
        return ledger.list_reviews(self.conn, run_id=self.context.run.id)

    def events(self, kind: str) -> list[str]:
        rows = self.conn.execute("select message from aerodag.event where kind = %s order by id", [kind]).fetchall()
        return [row[0] for row in rows]

    def statuses(self) -> dict[str, tuple[str, list[str]]]:
        images = ledger.list_images(self.conn, dataset_id=self.dataset.id)
        return {image.zip_path: (image.status, list(image.reasons)) for image in images}


@pytest.fixture
def case(ledger_connection: psycopg.Connection, tmp_path: Path, survey: Path) -> Case:
    return Case(ledger_connection, tmp_path / "data", survey)


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes the pre-flight say no-go."""
    usage = type("Usage", (), {"free": 1000})()
    return lambda: monkeypatch.setattr("shutil.disk_usage", lambda path: usage)


@pytest.mark.parametrize(
    ("wanted", "verdicts", "waiting", "reason"),
    [
        (None, {"review", "no-go"}, False, "The verdict of the pre-flight is go."),
        (None, {"go"}, True, "The verdict of the pre-flight is go."),
        (True, set(), True, "The run was started with review=true."),
        (False, {"go"}, False, "The run was started with review=false."),
    ],
)
def test_the_run_decides_before_the_installation_whether_a_person_is_asked(
    case: Case, wanted: bool | None, verdicts: set[str], waiting: bool, reason: str
) -> None:
    case.settings = Settings(data_root=case.settings.data_root, review=Review(verdicts=frozenset(verdicts)))
    case.open(wanted=wanted)
    assert case.play(*INTAKE, "preflight", "review") == {"verdict": "go", "waiting": waiting, "reason": reason}


def test_a_no_go_is_asked_about_and_fails_at_once_where_nobody_is_asked(
    case: Case, full_disk: Callable[[], None]
) -> None:
    case.open()
    case.play(*INTAKE)
    full_disk()
    assert case.play("preflight", "review")["waiting"] is True
    assert case.ask().default is Option.ABORT

    case.open(wanted=False)
    with pytest.raises(InfrastructureError) as caught:
        case.play("preflight")
    assert caught.value.code == "resources.disk"
    case.open()
    case.settings = Settings(data_root=case.settings.data_root, review=Review(verdicts=frozenset({"review"})))
    with pytest.raises(InfrastructureError):
        case.play("preflight")


def test_nobody_can_accept_too_few_images(case: Case) -> None:
    case.open(wanted=True)
    case.play(*INTAKE)
    case.conn.execute("update aerodag.image set status = 'rejected' where zip_path <> all (%s)", [case.names[:2]])
    with pytest.raises(DataError) as caught:
        case.play("preflight")
    assert caught.value.code == "imagery.too_few_usable"


def test_the_question_says_what_a_person_needs(case: Case, full_disk: Callable[[], None]) -> None:
    run = case.open()
    case.play(*INTAKE)
    full_disk()
    case.play("preflight")
    question = case.ask()
    assert question.subject == r"Start the engine on a\*b? The pre-flight says no-go."
    assert question.due_at == NOW + timedelta(hours=24)
    for part in (
        "**No-go.**",
        "- The run needs at least ",
        "| Images used | 12 of 12 |",
        "| Engine time |",
        "| Memory | about ",
        case.storage.product("reports", case.dataset.id, run.id, "preflight.html").as_uri(),
        "Without an answer in 24 h, the answer is **Abort**.\n\nAsked 21 Nov 2026, 12:00 UTC. ",
    ):
        assert part in question.body.replace("\u00a0", " ")
    (asked,) = case.reviews
    assert (asked.verdict, asked.question, asked.answered_at) == ("no_go", question.body, None)
    (event,) = case.events("review.needed")
    assert event.startswith("a*b waits for a person before the engine starts: The run needs at least ")


def test_acceptance_is_on_record_with_who_and_when_and_a_cleared_task_asks_again(case: Case) -> None:
    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    case.ask()
    assert len(case.reviews) == 1
    assert case.answer(Option.ACCEPT, note="looks good")["rejected"] == 0
    case.ask()
    first, second = case.reviews
    assert (first.answer, first.answered_by, first.answered_at, first.note, first.by_default) == (
        "Accept", "anna", NOW, "looks good", False,
    )  # fmt: skip
    assert second.answered_at is None
    assert case.events("review.answered") == ['a*b: anna answered Accept and wrote "looks good".']
    assert case.context.run.state in {"queued", "running"}


def test_rejected_images_stay_out_whatever_is_cleared(case: Case) -> None:
    run = case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    third, fifth = case.names[2], case.names[4]
    assert case.answer(Option.REJECT, third, f"*{Path(fifth).name[-12:]}")["rejected"] == 2
    statuses = case.statuses()
    assert [path for path, (status, _) in statuses.items() if status != "assigned"] == [third, fifth]
    assert statuses[third] == ("rejected", ["image.rejected_by_review"])
    found = ledger.list_findings(case.conn, run_id=run.id)
    assert [(entry.step, entry.image) for entry in found if entry.code == review.REJECTED] == [
        ("review", third), ("review", fifth),
    ]  # fmt: skip
    assert case.play("plan_engine")["images"] == 10
    assert "| Images used | 10 of 12 |\n| Not used | 2 left out |" in case.ask().body

    assert case.open(wanted=True).exclude_images == [third, fifth]
    assert case.play("extract_metadata", "assess_images") == {"assigned": 10, "rejected": 2}


@pytest.mark.parametrize(
    ("option", "images", "code", "sentence"),
    [
        (Option.REJECT, ["nothing*", "no.JPG"], "review.image_unknown", "is called 'nothing*', 'no.JPG'."),
        (Option.REJECT, [], "review.no_image", "no image that takes part was named"),
        (Option.ACCEPT, ["*.JPG"], "review.images_kept", "anna chose Accept and named 1 image"),
    ],
)
def test_an_answer_that_makes_no_sense_is_asked_again_and_told(
    case: Case, option: Option, images: list[str], code: str, sentence: str
) -> None:
    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    with pytest.raises(RemediedError) as caught:
        case.answer(option, *images)
    assert caught.value.code == code
    assert sentence in caught.value.message
    assert {status for status, _ in case.statuses().values()} == {"assigned"}
    assert case.events("review.answered") == []
    body = case.ask().body
    assert body.startswith("> **Your answer was not taken.** ")
    refused, asked = case.reviews
    assert (refused.answer, refused.refused, asked.answered_at) == (option.value, caught.value.message, None)


def test_who_rejects_nearly_all_leaves_nothing_undone(case: Case) -> None:
    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    with pytest.raises(ConfigError) as caught:
        case.answer(Option.REJECT, *case.names[:10])
    assert caught.value.code == "review.too_few_left"
    assert "2 of 12 are left; 3 are needed" in caught.value.message
    assert {status for status, _ in case.statuses().values()} == {"assigned"}
    assert case.context.run.exclude_images == []


def test_abort_ends_the_run_cancelled_with_who_and_their_words(case: Case) -> None:
    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    with pytest.raises(CancelledError) as caught:
        case.answer(Option.ABORT, note="wrong field")
    run = case.context.run
    assert (run.state, run.failure_code, run.failure_category) == ("cancelled", "run.aborted_in_review", "cancelled")
    assert run.message == caught.value.message == "anna aborted the run in its review: wrong field"
    assert ledger.get_dataset(case.conn, dataset_id=case.dataset.id).quarantined_at is None


def test_a_no_go_without_an_answer_is_aborted(case: Case, full_disk: Callable[[], None]) -> None:
    case.open()
    case.play(*INTAKE)
    full_disk()
    case.play("preflight")
    case.ask()
    with pytest.raises(CancelledError):
        case.answer(Option.ACCEPT, by=None)  # what Airflow keeps of a question that the task asked before
    message = str(case.context.run.message).replace("\u00a0", " ")
    assert message.startswith("Nobody answered the review in 24 h, and a no-go is not started then. The run needs")
    (asked,) = case.reviews
    assert (asked.answer, asked.by_default, asked.answered_by) == ("Abort", True, None)
    (event,) = case.events("review.answered")
    assert event.replace("\u00a0", " ") == "a*b: nobody answered in 24 h, the default is Abort."


def step(case: Case, name: str, state: str | None = None) -> None:
    key = {"dag_run_id": "a", "name": name, "map_index": -1, "try_number": 1, "host": "worker-1"}
    ledger.step_started(case.conn, **key, started_at=NOW)
    if state is not None:
        ledger.step_finished(case.conn, **key, started_at=NOW, finished_at=NOW, state=state, failure=None)


def test_a_run_that_waits_for_a_person_takes_no_place(case: Case) -> None:
    ledger.register(
        case.conn, name="next", owner="anna", source_uri="file:///incoming/next.zip", content_sha256="f" * 64,
        size_bytes=1, upload_type="raw_images_zip", priority=1,
    )  # fmt: skip

    def has_place() -> bool:
        return bool(ledger.starts_due(case.conn, places=1))

    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    step(case, "preflight", "succeeded")
    step(case, "review")
    assert not has_place()
    case.ask()
    assert has_place()
    step(case, "assess_images")
    assert not has_place(), "cleared while it waited"
    step(case, "assess_images", "succeeded")
    case.ask()
    assert has_place()
    case.answer(Option.ACCEPT)
    assert not has_place()


def test_a_reader_sees_reviews_of_the_datasets_it_may_see(
    case: Case, url_of_new_login: Callable[[str, str | None], str]
) -> None:
    case.open(wanted=True)
    case.play(*INTAKE, "preflight")
    case.ask()
    url = url_of_new_login("reader", "aerodag_reader")
    with ledger.connect(url) as reader:
        assert reader.execute("select count(*) from aerodag.review").fetchone() == (1,)
        case.conn.execute("update aerodag.dataset set access = 'private'")
        assert reader.execute("select count(*) from aerodag.review").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("update aerodag.review set answer = 'Accept'")
