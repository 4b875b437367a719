"""Go, review or no-go, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aerodag.findings import Finding, Severity
from aerodag.preflight import Decision, Estimate, Evidence, Prediction, Resources, judge
from aerodag.settings import Checks

GB = 10**9
GOOD = Evidence(images=100, usable=100, with_position=100, share_touching=1.0)
ROOMY = Resources(free_disk_bytes=500 * GB, memory_bytes=64 * GB, cores=8)
NEEDS = Prediction(
    engine="odm",
    preset="standard",
    memory_bytes=Estimate(likely=16 * GB, low=8 * GB, high=25 * GB),
    disk_bytes=Estimate(likely=40 * GB, low=20 * GB, high=60 * GB),
    seconds=Estimate(likely=3600, low=1800, high=7200),
)


def finding(severity: Severity, code: str, image: str | None = None, message: str = "It is so.") -> Finding:
    return Finding(severity, code, message, image=image)


def test_a_good_survey_goes_without_a_reason() -> None:
    verdict = judge(GOOD, [finding(Severity.INFO, "survey.gap")], NEEDS, ROOMY)
    assert (verdict.decision, verdict.reasons) == (Decision.GO, ())


@pytest.mark.parametrize(
    ("evidence", "decision", "code", "said"),
    [
        (replace(GOOD, usable=2), Decision.NO_GO, "imagery.too_few_usable", "2 of 100 images"),
        (replace(GOOD, with_position=0), Decision.NO_GO, "imagery.no_gps", "None of the 100 images"),
        (replace(GOOD, share_touching=0.0), Decision.NO_GO, "survey.no_overlap", "No image overlaps"),
        (replace(GOOD, usable=79, rejected=21), Decision.REVIEW, "imagery.many_rejected", "21 of 100 images"),
        (replace(GOOD, gap_share=0.08), Decision.REVIEW, "survey.gaps", "8\u00a0% of the area"),
        (replace(GOOD, rtk_expected=True, rtk_fix_ratio=0.7), Decision.REVIEW, "rtk.low_fix_ratio", "Only 70"),
    ],
)
def test_evidence(evidence: Evidence, decision: Decision, code: str, said: str) -> None:
    verdict = judge(evidence, [], NEEDS, ROOMY)
    assert verdict.decision == decision
    assert verdict.reasons[0].code == code
    assert verdict.reasons[0].message.startswith(said)


@pytest.mark.parametrize(
    "evidence",
    [
        replace(GOOD, usable=3),
        replace(GOOD, with_position=0, positions_needed=False),
        replace(GOOD, share_touching=None),
        replace(GOOD, share_touching=0.05),
        replace(GOOD, gap_share=0.05),
        replace(GOOD, usable=80, rejected=20),
        replace(GOOD, usable=40),  # sixty of another sensor are no fault
        replace(GOOD, rtk_fix_ratio=0.1),  # no base station was meant
        replace(GOOD, rtk_expected=True, rtk_fix_ratio=0.9),
        replace(GOOD, rtk_expected=True),
    ],
)
def test_what_is_no_certain_failure_and_no_doubt(evidence: Evidence) -> None:
    assert judge(evidence, [], NEEDS, ROOMY).decision == Decision.GO


@pytest.mark.parametrize(
    ("free", "decision"),
    [(19, Decision.NO_GO), (30, Decision.REVIEW), (50, Decision.GO), (100, Decision.GO), (None, Decision.GO)],
)
def test_disk(free: int | None, decision: Decision) -> None:
    there = replace(ROOMY, free_disk_bytes=None if free is None else free * GB)
    verdict = judge(GOOD, [], NEEDS, there)
    assert verdict.decision == decision
    assert bool(verdict.reasons) == (free in {19, 30, 50})  # a tight disk is a remark even where it goes


def test_memory_and_time_are_doubts_never_certain() -> None:
    tight = replace(ROOMY, memory_bytes=4 * GB)
    memory = judge(GOOD, [], NEEDS, tight)
    assert (memory.decision, [reason.code for reason in memory.reasons]) == (Decision.REVIEW, ["resources.memory"])
    assert "16 GB" in memory.reasons[0].message.replace("\u00a0", " ")
    slow = replace(NEEDS, seconds=Estimate(likely=17 * 3600, low=8 * 3600, high=40 * 3600))
    assert [reason.code for reason in judge(GOOD, [], slow, ROOMY).reasons] == ["resources.time"]


@pytest.mark.parametrize(
    ("findings", "decision"),
    [
        ([finding(Severity.WARNING, "survey.gap")], Decision.REVIEW),
        ([finding(Severity.INFO, "survey.gap")], Decision.GO),
        ([finding(Severity.WARNING, "image.blurred", "a.jpg")], Decision.GO),
        ([finding(Severity.ERROR, "anything.new")], Decision.REVIEW),
        ([finding(Severity.DEGRADED, "anything.new")], Decision.REVIEW),
        ([finding(Severity.ERROR, "image.unreadable", "a.jpg")], Decision.GO),
    ],
)
def test_findings(findings: list[Finding], decision: Decision) -> None:
    assert judge(GOOD, findings, NEEDS, ROOMY).decision == decision


def test_the_gravest_reason_is_first_and_each_code_once() -> None:
    many = [finding(Severity.WARNING, "survey.gap", message=f"Gap {index}.") for index in range(5)]
    verdict = judge(replace(GOOD, usable=1), many, NEEDS, ROOMY)
    assert [reason.decision for reason in verdict.reasons] == [Decision.NO_GO, Decision.REVIEW]
    assert verdict.reasons[1].message == "Gap 0. (and 4 more of this kind)"


def test_thresholds_are_settings() -> None:
    checks = Checks(reviewing=frozenset({"image.blurred"}), max_rejected_share=0.5)
    assert judge(replace(GOOD, rejected=40), [], NEEDS, ROOMY, checks).decision == Decision.GO
    blurred = [finding(Severity.WARNING, "image.blurred", "a.jpg")]
    assert judge(GOOD, blurred, NEEDS, ROOMY, checks).decision == Decision.REVIEW


def test_nothing_known_is_a_no_go_and_no_crash() -> None:
    assert judge(Evidence(images=0, usable=0)).decision == Decision.NO_GO
