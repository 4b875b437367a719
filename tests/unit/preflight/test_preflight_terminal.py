"""The report in a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from rich.cells import cell_len
from rich.console import Console

from aerodag.findings import Finding, Severity
from aerodag.preflight import Report
from aerodag.preflight.terminal import renderable
from samples.preflight import any_reports, photos, sample_report


def shown(report: Report, width: int = 100) -> str:
    output = io.StringIO()
    Console(file=output, width=width, color_system=None, force_terminal=False).print(renderable(report))
    return output.getvalue()


def sketch_of(report: Report) -> str:
    return shown(report).partition("north up; × is not used")[2].partition("Findings")[0]


def test_it_says_what_the_page_says() -> None:
    text = shown(sample_report()).replace("\u00a0", " ")
    for said in ("Review", "field 7", "1 gap of 310 m² is there.", "→ Fly it again.", "survey.gaps", "Images used",
                 "1.4 ha", "82 %", "95 %", "Memory", "16 GB", "FC6310R", "yes", "M3T", "Flights"):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = Finding(Severity.ERROR, "a.b", "word " * 60, "x" * 300, "folder/" * 30 + "漢.JPG")
    text = shown(sample_report(findings=(long, long)), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_the_exposures_are_sketched_with_a_cross_for_what_is_left_out() -> None:
    rows = photos(40)
    assert "×" not in "".join(
        shown(sample_report(rows)).partition("north up; × is not used")[2].partition("Findings")[0]
    )
    rows[7] = replace(rows[7], status="rejected")
    sketch = shown(sample_report(rows)).partition("north up; × is not used")[2].partition("Findings")[0]
    assert sketch.count("×") == 1
    assert any(0x2800 < ord(char) <= 0x28FF for char in sketch)


def test_names_of_the_upload_steer_nothing() -> None:
    evil = Finding(Severity.ERROR, "a.b", "[red]not markup[/] \x1b[2J\x1b]0;title\x07", image="\u202egpj.exe")
    text = shown(replace(sample_report(findings=(evil, evil)), dataset="[link=http://x]x[/link]\x1b[31m"))
    assert "[red]not markup[/]" in text
    assert "[link=http://x]x[/link]" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.fuzz
@given(any_reports())
def test_any_report_can_be_shown(report: Report) -> None:
    shown(report, 60).encode()
