"""The adapters between Airflow and the domain."""

import asyncio
from importlib import import_module

import psycopg
import pytest
from airflow.sdk import RetryAction

from aerodag.airflow.listener import failure_of
from aerodag.airflow.retry import RETRY_POLICY
from aerodag.airflow.triggers.engine import EngineTrigger
from aerodag.airflow.triggers.incoming import IncomingTrigger
from aerodag.errors import (
    ConfigError,
    DataError,
    EngineError,
    InfrastructureError,
    RemediedError,
    ResourceError,
    sentence,
)
from aerodag.settings import get_settings


def fired(trigger, seconds=10):
    async def first():
        async for event in trigger.run():
            return event.payload
        return None

    return asyncio.run(asyncio.wait_for(first(), seconds))


@pytest.fixture
def incoming(tmp_path, monkeypatch):
    """The incoming folder of an installation of its own."""
    monkeypatch.setenv("AERODAG_DATA_ROOT", str(tmp_path))
    get_settings.cache_clear()
    folder = tmp_path / "incoming"
    folder.mkdir()
    yield folder
    get_settings.cache_clear()


def test_the_trigger_fires_for_a_complete_zip(incoming):
    trigger = IncomingTrigger(settle_seconds=0.2, poll_seconds=0.05, ledger_seconds=60, places=4)
    (incoming / "survey.zip").write_bytes(b"content")
    assert fired(trigger) == {"uploads": 1, "starts": 0}


def test_the_trigger_waits_while_an_upload_grows(incoming):
    trigger = IncomingTrigger(settle_seconds=60, poll_seconds=0.05, ledger_seconds=60, places=4)
    (incoming / "survey.zip").write_bytes(b"content")
    with pytest.raises(TimeoutError):
        fired(trigger, seconds=0.5)


@pytest.mark.parametrize(
    "trigger",
    [
        IncomingTrigger(settle_seconds=1, poll_seconds=2, ledger_seconds=3, places=4),
        EngineTrigger("odm", "0123456789abcdef", dataset_id=1, run_id=2, poll_seconds=5.0),
    ],
)
def test_a_triggerer_can_make_the_trigger_again(trigger):
    path, arguments = trigger.serialize()
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (DataError("a.b", "m", advice="a"), RetryAction.FAIL),
        (ConfigError("a.b", "m", advice="a"), RetryAction.FAIL),
        (EngineError("a.b", "m", advice="a"), RetryAction.FAIL),
        (InfrastructureError("a.b", "m", advice="a"), RetryAction.RETRY),
        (psycopg.OperationalError("gone"), RetryAction.RETRY),
        (ResourceError("a.b", "m", advice="a"), RetryAction.FAIL),
        (RemediedError(ResourceError("a.b", "m", advice="a"), "Smaller."), RetryAction.RETRY),
        (ValueError("bug"), RetryAction.DEFAULT),
    ],
)
def test_retries_follow_the_class_of_the_error(error, action):
    assert RETRY_POLICY.evaluate(error, 1, 3).action == action


def test_the_ledger_gets_the_sentence_of_the_task_log():
    error = DataError("archive.empty", "The ZIP is empty.", advice="Upload it again.")
    failure = failure_of(error)
    kept = sentence(failure.code, failure.message, failure.advice)
    assert kept == str(error) == "[archive.empty] The ZIP is empty. Upload it again."


def test_a_remedied_failure_keeps_its_class_and_says_what_changes():
    cause = ResourceError("engine.out_of_memory", "It ran out of memory.", advice="More memory.", numbers={"n": 1})
    failure = failure_of(RemediedError(cause, "Smaller: 8 to 4 threads."))
    assert (failure.code, failure.category) == ("engine.out_of_memory", "resources")
    assert failure.advice == "It is tried again. Smaller: 8 to 4 threads."


@pytest.mark.parametrize(
    ("error", "code", "category"),
    [
        (ZeroDivisionError("division by zero"), "unexpected.ZeroDivisionError", "infrastructure"),
        ("TaskInstance's state was manually set to `failed`.", "run.stopped", "cancelled"),
        ("Executor reported that the task finished with state failed", "airflow.ended", "infrastructure"),
        (None, "airflow.ended", "infrastructure"),
    ],
)
def test_failures_that_are_not_the_pipelines_own(error, code, category):
    failure = failure_of(error)
    assert (failure.code, failure.category) == (code, category)
    assert failure.message
    assert failure.advice
