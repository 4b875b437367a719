"""Which datasets are to be processed again, why, and which are left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import psycopg

from aerodag import ledger
from aerodag.errors import Category
from aerodag.ledger import Candidate
from aerodag.settings import Settings

# Fails the same way again, as long as nothing but time has passed.
_INCURABLE = frozenset({Category.DATA, Category.CONFIG})


class Mode(StrEnum):
    """Which datasets of a time span are meant."""

    MISSING = "missing"
    FAILED = "failed"
    OUTDATED = "outdated"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Order:
    """What a person or the schedule asks for; None keeps what the dataset's newest run had."""

    mode: Mode
    task_types: tuple[str, ...] | None = None
    preset: str | None = None
    engine: str = "auto"
    priority: int = 1

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Order:
        """The order in an Airflow run's params."""
        return cls(
            mode=Mode(params["mode"]),
            task_types=tuple(params["task_types"]) if params["task_types"] else None,
            preset=params["preset"],
            engine=params["engine"],
            priority=params["priority"],
        )


@dataclass(frozen=True, slots=True)
class Builds:
    """What a run started now would be made by: this project's version, and each engine's as far as it is pinned."""

    pipeline: str
    engines: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Builds:
        """The builds of this installation. An image that is named by a tag may change unseen: it does not count."""
        _, at, digest = settings.odm.image.partition("@")
        return cls(settings.pipeline_version, {"odm": digest} if at else {})


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one dataset: ``process`` or not, and the reason in words."""

    candidate: Candidate
    process: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Decisions of one pass, and how many runs were newly requested."""

    decisions: list[Decision]
    requested: int


def decide(candidate: Candidate, mode: Mode, builds: Builds, max_attempts: int) -> Decision:
    """Whether a dataset is to be processed again."""
    kept = _left_alone(candidate, builds, max_attempts)
    if kept is not None:
        return Decision(candidate, False, kept)
    reason = _REASONS[mode](candidate, builds)
    return Decision(candidate, reason is not None, reason or "Nothing is to be done.")


def reprocess(
    conn: psycopg.Connection,
    settings: Settings,
    order: Order,
    *,
    uploaded_from: datetime,
    uploaded_to: datetime,
    requested_by: str,
) -> Outcome:
    """Request a run for each dataset of the time span that needs one; ingest starts them as there are places.

    The same pass again requests nothing twice.
    """
    decisions = plan(conn, settings, order, uploaded_from=uploaded_from, uploaded_to=uploaded_to)
    requested = 0
    with conn.transaction():
        for decision in [decision for decision in decisions if decision.process]:
            candidate = decision.candidate
            requested += ledger.request_start(
                conn,
                dataset_id=candidate.dataset_id,
                dag_run_id=_dag_run_id(candidate),
                conf=_conf(candidate, order),
                priority=order.priority,
                reason=decision.reason,
                requested_by=requested_by,
            )
    return Outcome(decisions, requested)


def plan(
    conn: psycopg.Connection, settings: Settings, order: Order, *, uploaded_from: datetime, uploaded_to: datetime
) -> list[Decision]:
    """What `reprocess` would do, without doing it."""
    found = ledger.reprocessing_candidates(conn, uploaded_from=uploaded_from, uploaded_to=uploaded_to)
    builds = Builds.of(settings)
    limits = settings.reprocessing
    decisions = [decide(candidate, order.mode, builds, limits.max_attempts) for candidate in found]
    return _bounded(decisions, limits.batch)


def _bounded(decisions: Sequence[Decision], most: int) -> list[Decision]:
    bounded, taken = [], 0
    for decision in decisions:
        taken += decision.process
        over = decision.process and taken > most
        bounded.append(Decision(decision.candidate, False, f"One pass starts {most}.") if over else decision)
    return bounded


def _left_alone(candidate: Candidate, builds: Builds, max_attempts: int) -> str | None:
    if candidate.active:
        return "A run of it is under way."
    if candidate.requested or candidate.runs == 0:
        return "It waits for its run already."
    if candidate.quarantined:
        return f"It is in quarantine: {candidate.failure_code}."
    if candidate.failures >= max_attempts and candidate.pipeline_version == builds.pipeline:
        return f"It failed {candidate.failures} times in a row, last with {candidate.failure_code}."
    return None


def _missing(candidate: Candidate, builds: Builds) -> str | None:
    return None if candidate.has_product or _hopeless(candidate, builds) else "It has no COG."


def _failed(candidate: Candidate, builds: Builds) -> str | None:
    if candidate.state != "failed" or _hopeless(candidate, builds):
        return None
    return f"Its newest run failed with {candidate.failure_code}."


def _outdated(candidate: Candidate, builds: Builds) -> str | None:
    if not candidate.has_product:
        return None
    if candidate.made_by_version != builds.pipeline:
        return f"It was made by version {candidate.made_by_version or 'unknown'}; this is {builds.pipeline}."
    wanted = builds.engines.get(candidate.engine or "")
    if wanted is not None and candidate.engine_digest != wanted:
        return f"It was made by {candidate.engine} {candidate.engine_digest}; this installation has {wanted}."
    return None


def _all(candidate: Candidate, builds: Builds) -> str | None:
    return None if _hopeless(candidate, builds) else "All were asked for."


def _hopeless(candidate: Candidate, builds: Builds) -> bool:
    """Whether the newest run failed for what the dataset is, and this version is the one that said so."""
    same = candidate.pipeline_version == builds.pipeline
    return candidate.state == "failed" and candidate.failure_category in _INCURABLE and same


_REASONS = {Mode.MISSING: _missing, Mode.FAILED: _failed, Mode.OUTDATED: _outdated, Mode.ALL: _all}


def _dag_run_id(candidate: Candidate) -> str:
    """Made of the content and of how many runs there were: two passes at once ask for one run."""
    return f"{candidate.first_run_id}__v{candidate.runs + 1}"


def _conf(candidate: Candidate, order: Order) -> dict[str, Any]:
    conf: dict[str, Any] = {
        "dataset_id": candidate.dataset_id,
        "task_types": list(order.task_types or candidate.task_types),
        "preset": order.preset or candidate.preset,
        "engine": order.engine,
        "priority": order.priority,
        "engine_options": candidate.options,
        "review": False,
    }
    images = {"include_images": candidate.include_images, "exclude_images": candidate.exclude_images}
    return conf | {name: paths for name, paths in images.items() if paths}
