"""When a running job is stopped, and how long it will take."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.photogrammetry.odm.judging.causes import StopReason
from aerodag.photogrammetry.odm.watching.watchdog import DiskWarning, Limits, remaining_seconds, verdict
from aerodag.settings import Odm

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LIMITS = Limits(quiet_seconds=3600, quiet_stage_seconds={"odm_report": 600}, disk_soft_bytes=2000, disk_hard_bytes=1000)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def reason(**changes) -> StopReason | None:
    known = {"deadline": ago(-1), "stage": "opensfm", "last_line_at": ago(3600), "free_bytes": 1000} | changes
    stop = verdict(NOW, known["deadline"], known["stage"], known["last_line_at"], known["free_bytes"], LIMITS)
    return stop and stop.reason


def test_at_every_limit_the_job_may_go_on():
    assert reason() is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deadline": NOW}, StopReason.TIMEOUT),
        ({"last_line_at": ago(3601)}, StopReason.STALLED),
        ({"last_line_at": ago(601), "stage": "odm_report"}, StopReason.STALLED),
        ({"last_line_at": ago(601), "stage": None}, None),
        ({"free_bytes": 999}, StopReason.DISK_FULL),
        ({"free_bytes": 999, "deadline": NOW, "last_line_at": ago(9999)}, StopReason.DISK_FULL),
        ({"deadline": NOW, "last_line_at": ago(9999)}, StopReason.TIMEOUT),
        ({"deadline": None, "last_line_at": None, "free_bytes": None}, None),
    ],
)
def test_beyond_a_limit_it_is_stopped_with_the_reason(changes, expected):
    assert reason(**changes) is expected


def test_the_installation_sets_the_limits():
    limits = Limits.of(Odm(quiet_hours=2, quiet_stage_hours={"odm_report": 0.5}, disk_soft_bytes=7, disk_hard_bytes=3))
    assert (limits.quiet("openmvs"), limits.quiet("odm_report")) == (7200, 1800)
    assert (limits.disk_soft_bytes, limits.disk_hard_bytes) == (7, 3)


def test_little_space_is_told_once_and_again_after_relief():
    warning = DiskWarning()
    told = [warning.look(free, LIMITS) is not None for free in (2000, 1999, 1500, None, 1200, 3000, 1999)]
    assert told == [False, True, False, False, False, False, True]


@pytest.mark.parametrize(
    ("percent", "elapsed", "predicted", "expected"),
    [
        (0, 0, None, None),
        (0, 100, None, None),
        (0, 100, 1000, 900),
        (50, 500, None, 500),
        (50, 500, 2000, 0.5 * 500 + 0.5 * 1500),
        (90, 5000, 1000, 5000 / 0.9 - 5000),
        (0, 5000, 1000, 0),
        (100, 5000, 1000, 0),
        (math.nan, 100, 1000, 900),
        (10, 100, math.inf, 900),
    ],
)
def test_the_time_left_blends_prediction_and_pace(percent, elapsed, predicted, expected):
    left = remaining_seconds(percent, elapsed, predicted)
    assert left == (expected if expected is None else pytest.approx(expected))


@given(st.floats(), st.floats(0, 1e7), st.none() | st.floats())
def test_the_time_left_is_never_negative_nor_endless(percent, elapsed, predicted):
    left = remaining_seconds(percent, elapsed, predicted)
    assert left is None or (left >= 0 and not math.isnan(left))
