"""The step that asks a person: whether to ask, what is asked, and what follows from the answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from aerodag import ledger
from aerodag import preflight as reporting
from aerodag.errors import AerodagError, CancelledError, ConfigError, RemediedError
from aerodag.findings import Finding, Severity
from aerodag.pipeline.answers import Answer, Option
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.examination.judgement import Choice
from aerodag.preflight import Decision, Report, amounts, words
from aerodag.preflight.predict import Estimate

log = structlog.get_logger(__name__)

REJECTED: Final = "image.rejected_by_review"
_IMAGES_TOLD: Final = 5
_IMAGES_USED: Final = "Images used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked; ``body`` is Markdown, ``default`` is taken without an answer until ``due_at``."""

    subject: str
    body: str
    default: Option
    due_at: datetime


def is_asked(context: StepContext, decision: Decision) -> bool:
    """Whether a person is asked when the pre-flight says this: as the run wants it, else as the installation does."""
    if context.run.review is not None:
        return context.run.review
    return _spoken(decision) in context.settings.review.verdicts


def review(context: StepContext) -> Metrics:
    """Whether the run waits for a person, and why."""
    decision = Decision(_document(context)["verdict"]["decision"])
    waiting = is_asked(context, decision)
    if context.run.review is not None:
        reason = f"The run was started with review={str(context.run.review).lower()}."
    else:
        reason = f"The verdict of the pre-flight is {_spoken(decision)}."
    return {"verdict": decision.value, "waiting": waiting, "reason": reason}


def ask(context: StepContext, now: datetime) -> Question:
    """Put the question on record, with an event that says so."""
    report = _report(context)
    decision = report.verdict.decision
    due = now + timedelta(hours=context.settings.review.hours)
    default = Option.ABORT if decision is Decision.NO_GO else Option.ACCEPT
    body = "\n\n".join(_body(context, report, default, now))
    first = report.verdict.reasons[0].message if report.verdict.reasons else words.VERDICT_LINES[decision]
    with context.ledger.transaction():
        ledger.ask_review(
            context.ledger,
            run_id=context.run.id,
            due_at=due,
            verdict=decision.value,
            question=body,
            default_answer=default.value,
        )
        ledger.add_event(
            context.ledger,
            kind="review.needed",
            message=f"{context.dataset.name} waits for a person before the engine starts: {first} Without an answer "
            f"until {_moment(due)}, the answer is {default}.",
            run_id=context.run.id,
            details={
                "verdict": decision.value,
                "reasons": [reason.message for reason in report.verdict.reasons],
                "default": default.value,
                "due_at": due,
            },
        )
    subject = f"Start the engine on {_plain(context.dataset.name)}? The pre-flight says {_spoken(decision)}."
    return Question(subject=subject, body=body, default=default, due_at=due)


def settle(context: StepContext, answer: Answer) -> Metrics:
    """Do what was answered; returns the answer and how many images it left out.

    Raises:
        CancelledError: ``run.aborted_in_review``; the run is closed.
        RemediedError: the images named make no sense (``review.image_unknown``, ``review.no_image``,
            ``review.images_kept``); the next try asks again, and says so.
        ConfigError: ``review.too_few_left``; no image was left out.
    """
    answer = _by_default(context, answer) if answer.by_default else answer
    try:
        paths = _paths_to_reject(context, answer)
    except AerodagError as refusal:
        _record(context, answer, refused=refusal.message)
        raise
    with context.ledger.transaction():
        _record(context, answer)
        if paths:
            _reject(context, paths)
        ledger.add_event(
            context.ledger,
            kind="review.answered",
            message=f"{context.dataset.name}: {_told(context, answer, len(paths))}",
            run_id=context.run.id,
            details={
                "answer": answer.option.value,
                "by": answer.by,
                "by_default": answer.by_default,
                "rejected": len(paths),
            },
        )
    log.info("review answered", answer=answer.option.value, by=answer.by, by_default=answer.by_default)
    if answer.option is Option.ABORT:
        raise _aborted(context, answer)
    return {
        "waiting": False,
        "answer": answer.option.value,
        "by": answer.by,
        "by_default": answer.by_default,
        "rejected": len(paths),
    }


def _by_default(context: StepContext, answer: Answer) -> Answer:
    """Airflow takes the default of the first question that the task asked; that of the open one counts."""
    asked = ledger.list_reviews(context.ledger, run_id=context.run.id)
    return replace(answer, option=Option(asked[-1].default_answer)) if asked else answer


def _document(context: StepContext) -> dict[str, Any]:
    if context.run.preflight is None:
        raise ConfigError(
            "run.no_preflight",
            f"Run {context.run.id} has no pre-flight report.",
            advice="Clear the preflight task of this run.",
        )
    return context.run.preflight


def _report(context: StepContext) -> Report:
    return reporting.from_json(_document(context))


def _body(context: StepContext, report: Report, default: Option, now: datetime) -> Iterator[str]:
    asked = ledger.list_reviews(context.ledger, run_id=context.run.id)
    if asked and asked[-1].refused:
        yield f"> **Your answer was not taken.** {_plain(asked[-1].refused)}"
    decision = report.verdict.decision
    run, dataset = context.run, context.dataset
    yield f"**{words.VERDICT_TITLES[decision]}.** {words.VERDICT_LINES[decision]}"
    yield f"Dataset {dataset.id} ({_plain(dataset.name)}), run {run.id}, preset {run.preset}, engine {run.engine}."
    if report.verdict.reasons:
        yield "\n".join(_reasons(report))
    yield "\n".join(_figures(context, report))
    for artifact in ledger.list_artifacts(context.ledger, run_id=run.id):
        if artifact.kind == "preflight":
            yield f"The page with the map and every image: `{artifact.uri}`"
    yield f"Without an answer in {_hours(context)}, the answer is **{default}**."
    # Airflow keeps the first question that a task asked, whatever it asks later.
    yield f"Asked {_moment(now)}. If the task was cleared since, its log shows the question as it is now."


def _reasons(report: Report) -> Iterator[str]:
    for reason in report.verdict.reasons:
        advice = next((found.advice for found in report.findings if found.code == reason.code and found.advice), "")
        yield " ".join(filter(None, (f"- {_plain(reason.message)}", f"*{_plain(advice)}*" if advice else "")))


def _figures(context: StepContext, report: Report) -> Iterator[str]:
    """A table; the images as they are now, for an earlier answer may have left some out."""
    images = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    counts = Counter(image.status for image in images)
    yield "| | |\n|---|---|"
    yield f"| {_IMAGES_USED} | {counts.pop('assigned', 0):,} of {len(images):,} |"
    if counts:
        yield "| Not used | " + ", ".join(f"{count:,} {words.status(name)}" for name, count in counts.items()) + " |"
    for figure in words.key_figures(report):
        if figure.title != _IMAGES_USED:
            yield f"| {figure.title} | {figure.value}, {_plain(figure.note)} |"
    if (prediction := report.prediction) is not None:
        there = report.resources
        yield _need("Memory", prediction.memory_bytes, there.memory_bytes if there else None)
        yield _need("Disk", prediction.disk_bytes, there.free_disk_bytes if there else None)


def _need(title: str, estimate: Estimate, there: int | None) -> str:
    size = amounts.data_size
    available = "" if there is None else f"; {size(there)} are there"
    return f"| {title} | about {size(estimate.likely)} ({size(estimate.low)} to {size(estimate.high)}{available}) |"


def _paths_to_reject(context: StepContext, answer: Answer) -> list[str]:
    if answer.option is Option.ACCEPT and answer.images:
        raise _again(
            "review.images_kept",
            f"{answer.who} chose {Option.ACCEPT} and named {amounts.count_of(len(answer.images), 'image')}; "
            f"{Option.REJECT} leaves images out, {Option.ACCEPT} takes an empty list.",
        )
    if answer.option is not Option.REJECT:
        return []
    images = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    wish = Choice(exclude=answer.images)
    found = wish.findings([image.zip_path for image in images])
    unknown = [finding.numbers["pattern"] for finding in found if finding.image is None]
    if unknown:
        raise _again("review.image_unknown", f"No image of the upload is called {_some(unknown)}.")
    used = [image.zip_path for image in images if image.status == "assigned"]
    paths = [path for path in used if wish.excluded(path)]
    if not paths:
        raise _again("review.no_image", f"{Option.REJECT} was chosen, and no image that takes part was named.")
    _require_enough(context, len(used), len(paths))
    return paths


def _require_enough(context: StepContext, used: int, rejected: int) -> None:
    """The upload is not at fault, so it is not put into quarantine: no ``DataError`` here."""
    needed = context.settings.min_images
    if used - rejected < needed:
        raise ConfigError(
            "review.too_few_left",
            f"Without the {amounts.count_of(rejected, 'image')} named, {used - rejected} of {used} are left; "
            f"{needed} are needed.",
            advice="Clear the review task to be asked again; no image was left out.",
            numbers={"used": used, "rejected": rejected, "needed": needed},
        )


def _again(code: str, message: str) -> RemediedError:
    return RemediedError(ConfigError(code, message, advice="Answer again."), "The question is put again.")


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_IMAGES_TOLD])
    return shown if len(names) <= _IMAGES_TOLD else f"{shown} and {len(names) - _IMAGES_TOLD:,} more"


def _record(context: StepContext, answer: Answer, refused: str | None = None) -> None:
    ledger.answer_review(
        context.ledger,
        run_id=context.run.id,
        answered_at=answer.at,
        answer=answer.option.value,
        images=answer.images,
        answered_by=answer.by,
        by_default=answer.by_default,
        note=answer.note,
        refused=refused,
    )


def _reject(context: StepContext, paths: list[str]) -> None:
    ledger.reject_images(
        context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, paths=paths, reason=REJECTED
    )
    found = [
        Finding(
            Severity.INFO,
            REJECTED,
            f"{path} was left out by a person in the review.",
            "Start another run to use it.",
            image=path,
        )
        for path in paths
    ]
    context.replace_findings("review", [*context.findings("review"), *found])


def _told(context: StepContext, answer: Answer, rejected: int) -> str:
    if answer.by_default:
        return f"nobody answered in {_hours(context)}, the default is {answer.option}."
    images = f" ({amounts.count_of(rejected, 'image')})" if rejected else ""
    words_of = f' and wrote "{answer.note}"' if answer.note else ""
    return f"{answer.who} answered {answer.option}{images}{words_of}."


def _aborted(context: StepContext, answer: Answer) -> CancelledError:
    if answer.by_default:
        first = _report(context).verdict.reasons[0].message
        message = f"Nobody answered the review in {_hours(context)}, and a no-go is not started then. {first}"
    else:
        message = f"{answer.who} aborted the run in its review" + (f": {answer.note}" if answer.note else ".")
    advice = "Start another run to process it after all, or clear the review task to be asked again."
    code = "run.aborted_in_review"
    ledger.close_run(
        context.ledger,
        dag_run_id=context.run.dag_run_id,
        state="cancelled",
        code=code,
        message=message,
        advice=advice,
    )
    return CancelledError(code, message, advice=advice, numbers={"by": answer.by, "by_default": answer.by_default})


def _hours(context: StepContext) -> str:
    return amounts.duration(context.settings.review.hours * 3600)


def _spoken(decision: Decision) -> str:
    return decision.value.replace("_", "-")


def _moment(time: datetime) -> str:
    return f"{amounts.moment(time.astimezone(UTC))} UTC"


def _plain(text: str) -> str:
    """Names and messages come from the upload: they are not read as Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|!~])", r"\\\1", amounts.printable(text))
