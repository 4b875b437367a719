"""The operator of the engine's task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.docker.operators.docker import DockerOperator

from aerodag.airflow.operators.work import record_metrics, step_of
from aerodag.airflow.triggers.engine import EngineTrigger
from aerodag.airflow.triggers.hold import HoldTrigger
from aerodag.airflow.triggers.shown import last_line_shown
from aerodag.settings import get_settings

if TYPE_CHECKING:
    from airflow.sdk import Context
    from docker import APIClient

    from aerodag.ledger import EngineJob
    from aerodag.photogrammetry.jobs import Jobs
    from aerodag.pipeline.context import StepContext

# The trigger keeps the deadline; Airflow's own limit of the deferral is the net under it and stops nothing itself.
NET = timedelta(minutes=30)
STORE_KEY = "container"
HOLD_SECONDS = 60.0


class OdmOperator(DockerOperator):
    """Runs the engine that the plan chose; OpenDroneMap in a container, which outlives whatever happens to Airflow.

    The container of this run is looked for before one is made: a running one is taken over, a finished one judged. The
    wait is deferred to `EngineTrigger` and holds no worker slot. The embedded engine works in the task's own process.

    Image, limits, GPU and command come from the run's plan, the daemon from the settings or the connection
    ``aerodag_docker``; of DockerOperator's own parameters only ``docker_conn_id`` (a registry's login) is of use.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "none_failed")
        kwargs.setdefault("image", get_settings().odm.image)
        # Inspected first, then removed: what Docker removes by itself leaves no exit code, no log and no reason.
        super().__init__(auto_remove="never", mount_tmp_dir=False, **kwargs)

    def execute(self, context: Context) -> Any:
        """Start the engine or find it started, and wait for it without a worker."""
        return self._work(context)

    def go_on(self, context: Context, event: dict[str, Any]) -> Any:
        """Nothing held new engine runs back a moment ago."""
        return self._work(context)

    def _work(self, context: Context) -> Any:
        from aerodag.photogrammetry import ENGINES
        from aerodag.pipeline.steps import STEPS

        with step_of(context, self.task_id) as step:
            detached = ENGINES[step.run.engine].detached
            self._wait_while_held(step, detached=detached)
            if not detached:
                metrics = STEPS[self.task_id].work(step)
                record_metrics(step, context, self.task_id, metrics)
                return metrics
            return self._begin(step, context)

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """The job has ended: judge it."""
        with step_of(context, self.task_id) as step:
            return self._conclude(step, context, str(event["job"]), shown=int(event["shown"]), stop=event["stop"])

    def on_kill(self) -> None:
        """Leave the container alone.

        Airflow calls this also when its API was away for a minute. What was started is found by the next try; a person
        who marks or clears the task reaches it through the trigger, and housekeeping removes what no run owns.
        """

    def _wait_while_held(self, step: StepContext, *, detached: bool) -> None:
        """A job of this run that exists is looked after whatever holds new ones back."""
        from aerodag.ledger.housekeeping import find_hold

        hold = find_hold(step.ledger)
        if hold is None or (detached and self._jobs(step).find(step.run.id) is not None):
            return
        self.log.info("The engine is not started now: %s", hold.reason)
        self.defer(trigger=HoldTrigger(HOLD_SECONDS), method_name="go_on")

    def _begin(self, step: StepContext, context: Context) -> dict[str, Any]:
        from airflow.sdk.execution_time.context import NEVER_EXPIRE

        from aerodag.photogrammetry.jobs import JobState
        from aerodag.pipeline.engine_jobs.start import find_or_start

        jobs = self._jobs(step)
        row = find_or_start(step, jobs, attempt=context["ti"].try_number)
        context["task_state_store"].set(STORE_KEY, row.job, retention=NEVER_EXPIRE)
        if jobs.look(row.job).state is JobState.RUNNING:
            self._wait(step, row)
        shown = last_line_shown(context["ti"], row.job)
        return self._conclude(step, context, row.job, shown=row.lines_shown if shown is None else shown, stop=None)

    def _wait(self, step: StepContext, row: EngineJob) -> NoReturn:
        self.log.info("The %s engine works on it as %s (%s).", row.engine, row.name, row.job[:12])
        self.defer(
            trigger=EngineTrigger(
                engine=row.engine,
                job=row.job,
                dataset_id=step.dataset.id,
                run_id=step.run.id,
                poll_seconds=step.settings.odm.poll_seconds,
            ),
            method_name="resume",
            timeout=max(row.deadline - datetime.now(UTC), timedelta()) + NET,
        )

    def _conclude(
        self, step: StepContext, context: Context, job: str, *, shown: int, stop: str | None
    ) -> dict[str, Any]:
        from aerodag.pipeline.engine_jobs.end import conclude

        metrics = conclude(step, self._jobs(step), job, shown=shown, stop=stop)
        record_metrics(step, context, self.task_id, metrics)
        context["task_state_store"].delete(STORE_KEY)
        return metrics

    def _jobs(self, step: StepContext) -> Jobs:
        from aerodag import photogrammetry

        odm = step.settings.odm
        self.docker_url = odm.docker_url
        self.tls_ca_cert, self.tls_client_cert, self.tls_client_key = (
            str(path) if path else None for path in (odm.ca_cert, odm.client_cert, odm.client_key)
        )
        return photogrammetry.jobs(step.run.engine, step.settings, client=self._new_client)

    def _new_client(self) -> APIClient:
        """A connection of DockerOperator's hook, which may log in to a registry; one that broke is not kept."""
        from airflow.sdk.exceptions import AirflowException

        from aerodag.errors import InfrastructureError

        self.__dict__.pop("hook", None)  # a cached property
        try:
            return self.cli
        except AirflowException as error:
            raise InfrastructureError(
                "engine.unreachable",
                f"No answer from the Docker engine at {self.docker_url}: {error}.",
                advice="Check that Docker runs there and that this user may use it; aerodag doctor tells more.",
            ) from error
