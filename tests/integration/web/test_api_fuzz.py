"""The API against requests made up from its own schema: never an error of the server, and answers as described.

``make fuzz-api`` makes up more of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from systems.api_server import ApiServer

pytestmark = pytest.mark.e2e

EXAMPLES = int(os.environ.get("AERODAG_TEST_API_EXAMPLES", "15"))
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
RUNS = ("public_1", "asked_1", "manual__2026-11-21T08:00:00+00:00", "unknown")


@pytest.fixture(scope="session")
def operations(server, surveys, asked, failed) -> list[schemathesis.APIOperation]:
    """All that the schema offers, with ids that exist tried often."""
    schema = schemathesis.openapi.from_dict(server.get("ada", "/openapi.json").json())
    schema.config.update(base_url=f"{server.url}/aerodag")
    chance = random.Random(1)
    known: dict[str, Callable[[], object]] = {
        "dag_run_id": lambda: chance.choice(RUNS),
        "dataset_id": lambda: chance.randint(1, 6),
        "artifact_id": lambda: chance.randint(1, 40),
        "z": lambda: chance.randint(0, 24),
    }

    @schema.hook
    def map_path_parameters(context, path_parameters):
        for name in set(path_parameters or ()) & set(known):
            if chance.random() < 0.6:
                path_parameters[name] = known[name]()
        return path_parameters

    return [found.ok() for found in schema.get_all_operations()]


def asked_of(
    operations: list[schemathesis.APIOperation], examples: int, ask: Callable[[Case], None]
) -> Iterator[tuple[str, BaseException]]:
    """What went wrong, by operation, when so many requests were made up for each."""
    for operation in operations:
        made_up = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        try:
            made_up(given(operation.as_strategy())(ask))()
        except (Exception, BaseExceptionGroup) as error:
            yield operation.label, error


def test_any_request_is_answered_as_described(server: ApiServer, operations):
    token = {"Authorization": f"Bearer {server.token('ada')}"}

    def ask(case: Case) -> None:
        case.validate_response(case.call(headers=dict(case.headers or {}) | token, timeout=60), checks=CHECKS)

    assert len(operations) >= 18
    assert dict(asked_of(operations, EXAMPLES, ask)) == {}


def test_no_request_of_a_stranger_is_answered(operations):
    def ask(case: Case) -> None:
        answer = case.call(timeout=60)
        assert answer.status_code in {401, 403, 404, 405, 422}, answer.status_code
        if answer.status_code == 404:
            assert answer.json() == {"detail": "Not Found"}

    assert dict(asked_of(operations, 3, ask)) == {}
