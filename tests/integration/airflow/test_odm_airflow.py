"""OpenDroneMap's double under a real Airflow: whatever happens to Airflow or Docker, it is not lost and not doubled."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from aerodag import ledger
from aerodag.simulate import Survey, simulate
from cases.nodeodm import packed
from servers.docker_engine import own_engine
from servers.nodeodm import NodeServer
from servers.nodeodm_node import Scenario
from systems.odm_airflow import OdmSetUp, odm_set_up, true_results, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    node = NodeServer(tmp_path_factory.mktemp("node")).start()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory, node: NodeServer) -> Iterator[OdmSetUp]:
    survey = simulate(Survey(images=12, width=400, height=300), tmp_path_factory.mktemp("survey") / "survey.zip")
    with (
        own_engine(live_restore=True) as engine,
        odm_set_up(tmp_path_factory.mktemp("aerodag"), engine, survey, AERODAG_NODEODM__URL=node.url) as running,
    ):
        yield running


def assert_every_line_once(air: OdmSetUp, run: ledger.Run) -> int:
    """The last container's lines are in the task log: all, once, in order, as they were kept."""
    last = air.conn.execute(
        "select job from aerodag.engine_job where run_id = %s order by id desc limit 1", [run.id]
    ).fetchone()
    assert last is not None
    shown = [(number, text) for job, number, text in air.shown(run) if last[0].startswith(job)]
    kept = air.kept_log(run)
    assert [number for number, _ in shown] == list(range(1, len(kept) + 1))
    assert [text.rstrip() for _, text in shown] == [text.rstrip() for text in kept]
    return len(kept)


def test_the_engine_runs_in_a_container_and_holds_a_slot_of_its_pool_but_no_worker(air: OdmSetUp) -> None:
    run = air.start("plain", outcome="steady", at="openmvs", lines=1200)
    air.watched(run)
    pool = air.rest("GET", "pools/odm")
    assert (pool["include_deferred"], pool["deferred_slots"], pool["running_slots"]) == (True, 1, 0)
    assert pool["open_slots"] == pool["slots"] - 1
    stage = wait_for("a stage", lambda: ledger.current_stage(air.conn, run_id=run.id))
    assert stage.stage in {"dataset", "opensfm", "openmvs", "split", "merge"}
    started = air.starts(run)
    run = air.ended(run)
    assert (run.state, run.message) == ("succeeded", None), air.findings(run)
    assert len(started) == 1
    assert assert_every_line_once(air, run) > 1200
    assert air.containers(run) == []
    odm = air.steps(run)["odm", 1]
    assert odm.metrics["registered"] == 12
    assert odm.metrics["statistics"]["shots"] == 12


def test_marking_the_task_failed_stops_and_removes_the_container(air: OdmSetUp) -> None:
    run = air.start("marked", outcome="ignore_term")
    air.watched(run)
    began = time.monotonic()
    air.mark(run, "failed")
    wait_for("removal", lambda: not air.containers(run), 60)
    took = time.monotonic() - began
    assert took < 30
    run = air.ended(run)
    assert (run.state, run.failure_code, run.failure_category) == ("cancelled", "run.stopped", "cancelled")
    job = air.conn.execute(
        "select stop_reason, discarded_at is not null, exit_code from aerodag.engine_job where run_id = %s", [run.id]
    ).fetchone()
    assert job == ("cancelled", True, 137)


def test_clearing_the_running_task_replaces_the_container(air: OdmSetUp) -> None:
    run = air.start("cleared", outcome="steady", lines=1500)
    air.watched(run)
    first = air.containers(run)[0]
    air.prepare_again(run, outcome="succeed")
    air.clear(run, "odm")
    wait_for("a new container", lambda: len(air.jobs(run)) == 2, 90)
    run = air.ended(run)
    assert run.state == "succeeded", air.findings(run)
    assert air.containers(run) == []
    jobs = air.conn.execute(
        "select job, stop_reason, discarded_at is not null from aerodag.engine_job where run_id = %s order by id",
        [run.id],
    ).fetchall()
    assert [(job == first.id, *rest) for job, *rest in jobs] == [(True, "cancelled", True), (False, None, True)]
    assert_every_line_once(air, run)


SERVICES = ("triggerer", "api-server", "scheduler", "dag-processor")


def test_killing_airflow_and_docker_at_random_loses_nothing_and_starts_nothing_twice(air: OdmSetUp) -> None:
    """SIGKILL of each service and of dockerd, one after the other at random moments, while lines come all the time."""
    random = Random(int(os.environ.get("AERODAG_TEST_SEED", "1")))
    rounds = int(os.environ.get("AERODAG_TEST_KILLS", "1"))
    run = air.start("chaos", outcome="steady", lines=6000 * rounds)
    air.watched(run)
    for _ in range(rounds):
        for victim in random.sample([*SERVICES, "dockerd"], len(SERVICES) + 1):
            time.sleep(random.uniform(1, 8))
            if victim == "dockerd":
                air.engine.kill()
                time.sleep(random.uniform(0, 3))
                air.engine.start()
            else:
                wait_for(f"{victim} to kill", lambda victim=victim: air.kill(victim), 60)
    assert len(air.containers(run)) == 1
    run = air.ended(run, 600 * rounds)
    assert run.state == "succeeded", air.findings(run)
    jobs = air.conn.execute("select attempt from aerodag.engine_job where run_id = %s", [run.id]).fetchall()
    assert jobs == [(1,)]
    assert assert_every_line_once(air, run) > 6000 * rounds
    assert air.containers(run) == []


def orphaned(air: OdmSetUp) -> ledger.Run:
    """A run whose worker was killed after it started the container, in the second before it waits."""
    for number in range(5):
        run = air.start(f"orphaned{number}", outcome="steady", lines=6000)
        wait_for("the step", lambda run=run: ("odm", 1) in air.steps(run))
        started = lambda run=run: any(found.started_at for found in air.containers(run))  # noqa: E731
        wait_for("a started container", started, pause=0.01)
        killed = air.kill_workers()
        time.sleep(4)  # what it said last may still be on its way
        if killed and air.task(run)["state"] == "running":
            return run
        air.mark(run, "failed")
    pytest.fail("the worker was always quicker")


def test_a_worker_killed_after_the_start_is_replaced_and_the_container_taken_over(air: OdmSetUp) -> None:
    run = orphaned(air)
    wait_for("the second try", lambda: air.task(run)["try_number"] == 2, 240)
    air.watched(run)
    assert len(air.starts(run)) == 1
    run = air.ended(run, 400)
    assert run.state == "succeeded", air.findings(run)
    assert [job.attempt for job in air.jobs(run)] == [1]
    assert_every_line_once(air, run)


def test_dockerd_that_ends_its_containers_is_told_from_a_failure_and_the_next_try_resumes(air: OdmSetUp) -> None:
    run = air.start("restarted", outcome="hang", at="odm_dem")
    air.watched(run)
    wait_for("odm_dem", lambda: "odm_dem" in {stage.stage for stage in ledger.list_stages(air.conn, run_id=run.id)})
    air.prepare_again(run, outcome="succeed")
    air.engine.restart(live_restore=False)  # goes on with the container, and ends it when it is stopped itself
    air.engine.restart(live_restore=True)
    run = air.ended(run, 400)
    assert run.state == "succeeded", air.findings(run)
    first, second = air.jobs(run)
    assert first.failure_code in {"engine.terminated", "engine.killed"}
    assert second.rerun_from == "odm_dem"
    assert air.containers(run) == []


def test_a_node_does_the_same_and_outlives_airflow_too(air: OdmSetUp, node: NodeServer, tmp_path: Path) -> None:
    node.scenario = Scenario(pause=1.5, results=packed(true_results(air.survey, tmp_path)))
    run = air.start("on_a_node", conf={"engine": "nodeodm"})
    air.watched(run)
    air.kill("triggerer")
    run = air.ended(run)
    assert run.state == "succeeded", air.findings(run)
    assert len(node.requests) > 10
    assert not node.tasks
    assert assert_every_line_once(air, run) >= len(node.scenario.lines)
