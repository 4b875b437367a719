"""Runs: how one is, and what it did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import FileResponse

from aerodag import ledger
from aerodag.airflow.web.access import ViewerDep
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.models.products import ProductItem
from aerodag.airflow.web.models.runs import (
    CheckItem,
    FindingItem,
    ReviewItem,
    RunStatus,
    StageItem,
    StepItem,
    StepTry,
    Timeline,
)
from aerodag.airflow.web.routes.rasters import product_item
from aerodag.airflow.web.stores import Ledger, local_file
from aerodag.ledger import Step, browse
from aerodag.pipeline.steps import STEPS
from aerodag.settings import get_settings

OPEN_STATES = frozenset({"waiting", "queued", "running"})
_ORDER: Final = {name: place for place, name in enumerate(("claim", *STEPS))}
# The page brings its own script and style; it gets no origin, so that nothing in it can ask this site for anything.
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "Cache-Control": "private, no-cache",
}

router = APIRouter(tags=["runs"], responses=problems(404))
DagRunId = Annotated[str, Path(max_length=250, description="Airflow's id of the run.")]
DatasetId = Annotated[int, Path(ge=1, lt=2**63)]


def seen_run(dag_run_id: DagRunId, who: ViewerDep, conn: Ledger) -> browse.SeenRun:
    """The run that is asked for; 404 where the login does not see it."""
    found = browse.find_run(conn, who, dag_run_id=dag_run_id)
    if found is None:
        raise HTTPException(404, f"There is no run {dag_run_id!r} that your login may see.")
    return found


Seen = Annotated[browse.SeenRun, Depends(seen_run)]


@router.get("/runs/{dag_run_id}", summary="How a run is")
def get_run(dag_run_id: DagRunId, request: Request, who: ViewerDep, conn: Ledger) -> RunStatus:
    """How the run of that id is, also while it waits to be started."""
    found = ledger.run_status(conn, dag_run_id=dag_run_id)
    if found is None:
        raise _unknown(dag_run_id)
    if found.dataset_id is None:  # Airflow refused it at its first step; it is nobody's secret
        return _status(found, ledger.QueuePlace(), [])
    dataset = browse.seen_dataset(conn, who, dataset_id=found.dataset_id)
    if dataset is None:
        raise _unknown(dag_run_id)
    place = ledger.QueuePlace()
    if found.state in OPEN_STATES:
        place = ledger.queue_place(conn, dataset_id=found.dataset_id, places=get_settings().max_active_runs)
    products = [] if found.run_id is None else browse.products_of(conn, run_ids=[found.run_id])
    takeable = who.may_download(dataset.owner, dataset.access)
    return _status(found, place, [product_item(product, request, takeable=takeable) for product in products])


@router.get("/datasets/{dataset_id}/run", summary="How a dataset's run is")
def get_run_of_dataset(dataset_id: DatasetId, request: Request, who: ViewerDep, conn: Ledger) -> RunStatus:
    """The run under way, else the next one, else the last one."""
    dag_run_id = ledger.newest_run_of_dataset(conn, dataset_id=dataset_id)
    if dag_run_id is None or browse.seen_dataset(conn, who, dataset_id=dataset_id) is None:
        raise HTTPException(404, f"There is no dataset {dataset_id}.")
    return get_run(dag_run_id, request, who, conn)


@router.get("/runs/{dag_run_id}/timeline", summary="Steps and stages of a run")
def get_timeline(run: Seen, conn: Ledger) -> Timeline:
    """What the run did when, with all tries of its steps."""
    steps = sorted(ledger.list_steps(conn, run_id=run.run_id), key=lambda step: (_place(step), step.name))
    stages = ledger.list_stages(conn, run_id=run.run_id)
    return Timeline(
        steps=[_step(tries) for _, tries in groupby(steps, key=attrgetter("name"))],
        stages=[
            StageItem(
                name=stage.stage, percent=stage.percent, started_at=stage.started_at, finished_at=stage.finished_at
            )
            for stage in stages
        ],
    )


@router.get("/runs/{dag_run_id}/findings", summary="What a run found")
def get_findings(run: Seen, conn: Ledger) -> list[FindingItem]:
    """What is worth telling about the data and the result, with advice."""
    return [FindingItem.model_validate(asdict(one)) for one in ledger.list_findings(conn, run_id=run.run_id)]


@router.get("/runs/{dag_run_id}/checks", summary="Data-quality checks of a run")
def get_checks(run: Seen, conn: Ledger) -> list[CheckItem]:
    """How the run fared in the data-quality checks, by topic; none before it was judged."""
    return [
        CheckItem.model_validate(asdict(one) | {"group": one.topic})
        for one in ledger.run_checks(conn, run_id=run.run_id)
    ]


@router.get(
    "/runs/{dag_run_id}/report",
    summary="The pre-flight page of a run",
    response_class=FileResponse,
    responses=problems(503) | {200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
def get_report(run: Seen, who: ViewerDep, conn: Ledger) -> FileResponse:
    """The page that was written before the engine started."""
    page = browse.file_of_run(conn, who, run_id=run.run_id, kind="preflight")
    if page is None:
        raise HTTPException(404, f"The run {run.dag_run_id!r} has no pre-flight report.")
    return FileResponse(local_file(page), media_type="text/html; charset=utf-8", headers=_PAGE_HEADERS)


@router.get("/runs/{dag_run_id}/review", summary="What a person was asked")
def get_review(run: Seen, conn: Ledger) -> ReviewItem:
    """The newest question of the run, open or answered."""
    asked = ledger.list_reviews(conn, run_id=run.run_id)
    if not asked:
        raise HTTPException(404, f"Nobody was asked about the run {run.dag_run_id!r}.")
    return ReviewItem.model_validate(asdict(asked[-1]) | {"expires_at": asked[-1].due_at})


def _unknown(dag_run_id: str) -> HTTPException:
    return HTTPException(404, f"Nothing is known of a run {dag_run_id!r}; Airflow may not have started it yet.")


def _status(found: ledger.RunStatus, place: ledger.QueuePlace, products: list[ProductItem]) -> RunStatus:
    known = {name: value for name, value in asdict(place).items() if value is not None}
    return RunStatus.model_validate(
        {"position": None, "expected_start": None}
        | asdict(found)
        | known
        | {"ended": found.state not in OPEN_STATES, "products": products}
    )


def _place(step: Step) -> int:
    return _ORDER.get(step.name, len(_ORDER))


def _step(tries: Iterable[Step]) -> StepItem:
    ordered = sorted(tries, key=lambda one: (one.try_number, one.map_index))
    newest = ordered[-1]
    return StepItem(
        name=newest.name,
        state=newest.state,
        started_at=newest.started_at,
        finished_at=newest.finished_at,
        duration_s=newest.duration_s,
        metrics=newest.metrics,
        tries=[StepTry.model_validate(asdict(one) | {"code": one.failure_code}) for one in ordered],
    )
