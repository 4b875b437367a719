"""The report as JSON, and figures in words."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aerodag.findings import Finding, Severity
from aerodag.preflight import Decision, Report, Verdict, amounts, from_json, to_dict, to_json
from samples.preflight import any_reports, sample_report


def test_a_report_comes_back_as_it_went() -> None:
    report = sample_report()
    assert from_json(to_json(report)) == report
    assert from_json(to_dict(report)) == report


def test_what_jsonb_does_not_take_is_replaced() -> None:
    odd = Finding(Severity.INFO, "a.b", "nul \x00, lone \ud800", numbers={"nan": math.nan, "deep": [{"inf": math.inf}]})
    report = Report(dataset="x", images={}, verdict=Verdict(decision=Decision.GO), findings=(odd,))
    found = to_dict(report)["findings"][0]
    assert found["message"] == "nul \ufffd, lone ?"
    assert found["numbers"] == {"nan": None, "deep": [{"inf": None}]}


def test_every_field_of_the_report_is_in_the_json() -> None:
    document = json.loads(to_json(sample_report()))
    assert set(document) == {field.name for field in fields(Report)}
    assert document["verdict"]["decision"] == "review"


def test_another_document_is_refused() -> None:
    with pytest.raises(ValidationError):
        from_json('{"dataset": 1}')


@pytest.mark.fuzz
@given(any_reports())
def test_any_report_round_trips(report: Report) -> None:
    text = to_json(report)
    assert to_json(from_json(text)) == text
    text.encode()
    assert "\\u0000" not in text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (amounts.data_size(999), "999 B"), (amounts.data_size(750e6), "750 MB"), (amounts.data_size(1.26e9), "1.3 GB"),
        (amounts.data_size(999.7e6), "1.0 GB"), (amounts.data_size(3e15), "3,000 TB"), (amounts.data_size(None), "–"),
        (amounts.duration(40), "40 s"), (amounts.duration(750), "12 min"), (amounts.duration(12_000), "3 h 20 min"),
        (amounts.duration(7_200), "2 h"), (amounts.duration(187_200), "2 d 4 h"), (amounts.duration(math.nan), "–"),
        (amounts.distance(0.014), "1.4 cm"), (amounts.distance(260), "260 m"), (amounts.distance(25_400), "25.4 km"),
        (amounts.area(9_000), "9,000 m²"), (amounts.area(14_000), "1.4 ha"), (amounts.area(2e7), "20.0 km²"),
        (amounts.percent(0.5), "50 %"), (amounts.percent(1.0), "100 %"), (amounts.percent(0.9996), "99.9 %"),
        (amounts.number(1234.56, 1, "m"), "1,234.6 m"), (amounts.count_of(1, "image"), "1 image"),
        (amounts.count_of(1200, "image"), "1,200 images"),
    ],
)  # fmt: skip
def test_figures_in_words(shown: str, expected: str) -> None:
    assert shown.replace("\u00a0", " ") == expected


def test_times_are_told_in_utc_and_the_date_once() -> None:
    start = datetime(2016, 6, 23, 16, 2, tzinfo=timezone(timedelta(hours=2)))
    assert amounts.span(start, start + timedelta(minutes=7)) == "23 Jun 2016, 14:02–14:09"
    assert amounts.span(start, start + timedelta(days=1)) == "23 Jun 2016, 14:02 – 24 Jun 2016, 14:02"
    assert amounts.span(None, datetime(2016, 1, 2, 3, 4, tzinfo=UTC)) == "2 Jan 2016, 03:04"
    assert amounts.moment(datetime.max.replace(tzinfo=timezone(timedelta(hours=-2)))).startswith("31 Dec 9999")


@pytest.mark.parametrize(("text", "expected"), [("a\x1b[31m\u202eb", "a\ufffd[31m\ufffdb"), ("Ä\n漢", "Ä 漢")])
def test_text_that_would_steer_a_terminal_loses_its_power(text: str, expected: str) -> None:
    assert amounts.printable(text) == expected


@given(st.one_of(st.floats(), st.none()))
def test_any_figure_can_be_told(value: Any) -> None:
    for show in (amounts.data_size, amounts.duration, amounts.distance, amounts.area, amounts.percent, amounts.number):
        assert show(value)
