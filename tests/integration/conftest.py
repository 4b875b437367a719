"""Real drone images, where they are at hand (they are not part of the repository), and runs on a real ledger."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from cases.engine import EngineFlow, small_survey
from cases.ledger import Flow
from servers.docker_engine import Engine

DATA = Path(os.environ.get("AERODAG_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def brighton_beach() -> list[Path]:
    """18 nadir images of 9 MP without RTK, flown at 40 m."""
    images = sorted((DATA / "mapping" / "brighton_beach" / "images").glob("*.JPG"))
    if len(images) != 18:
        pytest.skip("the Brighton Beach images are not here; AERODAG_TEST_DATA names their folder")
    return images


@pytest.fixture
def dataset(ledger_connection: psycopg.Connection) -> ledger.Dataset:
    registration = ledger.register(
        ledger_connection,
        name="flight.zip",
        owner="anna",
        source_uri="file:///incoming/flight.zip",
        content_sha256="0" * 64,
        size_bytes=1,
        upload_type="raw_images_zip",
    )
    ledger.move_raw(ledger_connection, dataset_id=registration.dataset.id, raw_uri="file:///raw_images/1.zip")
    return registration.dataset


@pytest.fixture
def flow(ledger_connection: psycopg.Connection, dataset: ledger.Dataset) -> Flow:
    return Flow(ledger_connection, dataset.id)


@pytest.fixture(scope="session")
def survey_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return small_survey(tmp_path_factory.mktemp("survey"))


@pytest.fixture
def bare_engine_flow(
    ledger_connection: psycopg.Connection, database_url: str, docker_engine: Engine, tmp_path: Path
) -> Iterator[EngineFlow]:
    """An installation without a dataset; its containers are gone after the test."""
    flow = EngineFlow(ledger_connection, database_url, docker_engine.endpoint, tmp_path / "data")
    yield flow
    for container in flow.containers:
        flow.jobs.discard(container.id)


@pytest.fixture
def engine_flow(bare_engine_flow: EngineFlow, survey_files: dict[str, bytes]) -> EngineFlow:
    """A run that has its pre-flight report, and its plan for an engine in a container."""
    bare_engine_flow.open(bare_engine_flow.upload(survey_files))
    bare_engine_flow.plan()
    return bare_engine_flow
