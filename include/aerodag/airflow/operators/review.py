"""The operator of the task that asks a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from aerodag.airflow.operators.work import record_metrics, step_of
from aerodag.pipeline.answers import Answer, Option
from aerodag.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from aerodag.pipeline.context import StepContext


class ReviewOperator(HITLOperator):
    """Asks a person before the engine starts, where the run or the verdict of its pre-flight wants it.

    The wait is Airflow's state ``awaiting_input``: no worker, no triggerer, no slot of a pool. Each try asks anew, so a
    cleared task asks again. Question and answer go to the ledger. Airflow shows the first question of a task even when
    it asks another, so each is in the log as well.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "none_failed")
        # Airflow hands down the params of the DAG here; a form of one's own takes their place.
        kwargs["params"] = {
            "images": Param(
                None,
                type=["null", "array"],
                items={"type": "string"},
                title="Images to reject",
                description="Paths or patterns (flight2/*.JPG), one a line; only with Reject images. A name that fits "
                "no image brings the question back, and the log says why.",
            ),
            "note": Param(None, type=["null", "string"], title="Note", description="Why; kept with the answer."),
        }
        super().__init__(
            subject="Start the engine?",
            options=[option.value for option in Option],
            response_timeout=timedelta(hours=get_settings().review.hours),
            **kwargs,
        )

    def execute(self, context: Context) -> Any:
        """Ask, or skip."""
        from aerodag.pipeline.steps import STEPS

        with step_of(context, self.task_id) as step:
            metrics = STEPS[self.task_id].work(step)
            record_metrics(step, context, self.task_id, metrics)
            if not metrics["waiting"]:
                raise AirflowSkipException(metrics["reason"])
            self._put(step)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Somebody has answered, or nobody in time."""
        from aerodag.pipeline.review import settle

        if "error" in event:
            self.process_trigger_event_error(event)
        with step_of(context, self.task_id) as step:
            metrics = settle(step, answer_of(event))
            record_metrics(step, context, self.task_id, metrics)
        return metrics

    def _put(self, step: StepContext) -> None:
        from aerodag.pipeline.review import ask

        now = datetime.now(UTC)
        question = ask(step, now)
        self.log.info("%s\n\n%s", question.subject, question.body)
        self.subject, self.body = question.subject, question.body
        self.defaults = [question.default.value]
        self.response_timeout = question.due_at - now


def answer_of(event: Mapping[str, Any]) -> Answer:
    """The answer in the event with which Airflow resumes the task."""
    fields = event["params_input"] or {}
    user = event["responded_by_user"] or {}
    return Answer(
        option=Option(event["chosen_options"][0]),
        at=event["responded_at"],
        by=_name(user.get("id"), user.get("name")),
        by_default=bool(event.get("timedout")),
        images=_lines(fields.get("images")),
        note=str(fields.get("note") or "").strip() or None,
    )


def _name(user_id: str | None, name: str | None) -> str | None:
    return f"{name} ({user_id})" if name and user_id and name != user_id else name or user_id


def _lines(images: Any) -> tuple[str, ...]:
    """A list from the form or from REST, which checks nothing; one text with lines does as well."""
    given = images if isinstance(images, list) else str(images or "").splitlines()
    return tuple(dict.fromkeys(line for entry in given if (line := str(entry).strip())))
