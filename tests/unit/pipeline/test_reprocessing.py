"""Which datasets are processed again."""

import re

import pytest

from aerodag.airflow.params import MODES
from aerodag.ledger import Candidate
from aerodag.pipeline.reprocessing import Builds, Mode, decide

NOW = Builds("2.0", {"odm": "sha256:new"})


def candidate(**facts):
    return Candidate(
        **{
            "dataset_id": 7, "name": "field", "first_run_id": "field__abab", "upload_type": "raw_images_zip",
            "quarantined": False, "runs": 1, "active": False, "failures": 0, "requested": False, "has_product": True,
            "state": "succeeded", "failure_code": None, "failure_category": None, "pipeline_version": "2.0",
            "preset": "standard", "task_types": ["odm_processing"], "options": {}, "include_images": [],
            "exclude_images": [], "engine": "odm", "engine_digest": "sha256:new", "made_by_version": "2.0",
        }
        | facts
    )  # fmt: skip


def failed(category, **facts):
    return candidate(
        **{"state": "failed", "failure_code": "x.y", "failure_category": category, "has_product": False, "failures": 1}
        | facts
    )


@pytest.mark.parametrize(
    ("mode", "dataset", "processed"),
    [
        (Mode.MISSING, candidate(), False),
        (Mode.MISSING, candidate(has_product=False), True),
        (Mode.MISSING, failed("infrastructure"), True),
        (Mode.MISSING, failed("data"), False),
        (Mode.FAILED, candidate(), False),
        (Mode.FAILED, candidate(state="cancelled"), False),
        (Mode.FAILED, failed("infrastructure"), True),
        (Mode.FAILED, failed("engine"), True),
        (Mode.FAILED, failed("config"), False),
        (Mode.FAILED, failed("data", pipeline_version="1.9"), True),
        (Mode.OUTDATED, candidate(), False),
        (Mode.OUTDATED, candidate(made_by_version="1.9"), True),
        (Mode.OUTDATED, candidate(made_by_version=None), True),
        (Mode.OUTDATED, candidate(engine_digest="sha256:old"), True),
        (Mode.OUTDATED, candidate(engine="embedded", engine_digest=None), False),
        (Mode.OUTDATED, candidate(has_product=False, made_by_version="1.9"), False),
        (Mode.ALL, candidate(), True),
        (Mode.ALL, failed("data"), False),
    ],
)
def test_the_mode_decides(mode, dataset, processed):
    decision = decide(dataset, mode, NOW, max_attempts=3)
    assert decision.process is processed, decision.reason


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"active": True}, "under way"),
        ({"requested": True}, "waits"),
        ({"runs": 0, "state": None, "has_product": False}, "waits"),
        ({"quarantined": True, "failure_code": "archive.bomb"}, r"quarantine: archive\.bomb"),
        (
            {"state": "failed", "failures": 3, "failure_code": "engine.hung"},
            r"3 times in a row, last with engine\.hung",
        ),
    ],
)
def test_some_are_left_alone_in_every_mode(mode, facts, reason):
    dataset = candidate(**{"has_product": False, "made_by_version": "1.9"} | facts)
    decision = decide(dataset, mode, NOW, max_attempts=3)
    assert not decision.process
    assert re.search(reason, decision.reason)


def test_another_version_may_try_again_what_failed_too_often():
    dataset = failed("engine", failures=9, pipeline_version="1.9")
    assert decide(dataset, Mode.FAILED, NOW, max_attempts=3).process


def test_the_form_offers_every_mode():
    assert set(MODES) == {mode.value for mode in Mode}
