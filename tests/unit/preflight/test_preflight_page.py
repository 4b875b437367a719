"""The page as a browser would read it: balanced, self-contained, escaped, legible and quick."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

import aerodag.preflight
from aerodag.findings import Finding, Severity
from aerodag.preflight import Coverage, Decision, PhotoRow, Report, Verdict, photos_to_show, render
from samples.preflight import any_reports, photos, ring, sample_report

TEMPLATES = Path(aerodag.preflight.__file__).parent / "templates"
VOID = {"meta", "input", "img", "br", "link"}
HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>.JPG'
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")


class Page(HTMLParser):
    """Elements of a page; fails on a tag that is not closed where it must be."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> names an attribute twice: {names}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [value or "" for _, attributes in self.elements for key, value in attributes.items() if key == name]

    def count(self, tag: str, of: str = "") -> int:
        classes = [(attributes.get("class") or "").split() for found, attributes in self.elements if found == tag]
        return sum(not of or of in names for names in classes)


def checked(text: str) -> Page:
    """The parsed page after the checks that hold for every report."""
    page = Page(text)
    for name in ("src", "href", "action", "data", "poster", "srcset", "xlink:href"):
        assert all(value.startswith(("#", "data:image/")) for value in page.attributes(name)), name
    assert [tag for tag, _ in page.elements if tag in {"link", "iframe", "object", "embed", "base"}] == []
    assert page.count("script") == 1
    assert page.raw["script"] == (TEMPLATES / "page.js").read_text()
    assert "url(" not in page.raw["style"].replace("url(#", "")
    assert "@import" not in page.raw["style"]
    handlers = [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    identities = page.attributes("id")
    assert len(identities) == len(set(identities))
    assert {value[1:] for value in page.attributes("href") if value.startswith("#")} <= set(identities)
    return page


def test_the_page_says_all_of_it() -> None:
    page = checked(render(sample_report(), {"100MEDIA/DJI_0001.JPG": WEBP}))
    for said in (
        "Review", "1 gap of 310 m² is there.", "Fly it again.", "field 7", "1.4 ha", "82 %",
        "FC6310R", "M3T", "LWIR", "38 (95 %)", "1.4 cm", "Flights", "1 Jun 2026, 10:15–10:18", "16 GB free",
        "120 GB free", "DJI_0001.JPG",
    ):  # fmt: skip
        assert said in page.text
    assert page.count("img") == 1
    assert page.count("path", "mark") == 40 + 1 + 1  # the map, its legend, the one card


def test_the_policy_lets_in_our_own_script_alone() -> None:
    page = checked(render(sample_report()))
    policy = next(value for value in page.attributes("content") if "default-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.raw["script"].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_hostile_names_and_findings_stay_text() -> None:
    row = replace(photos(1)[0], zip_path=HOSTILE, status="rejected", reasons=(HOSTILE,))
    finding = Finding(Severity.ERROR, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    report = replace(sample_report([row, *photos(5)], (finding, finding)), dataset=HOSTILE)
    page = checked(render(report, {HOSTILE: WEBP}))
    assert page.text.count("<script>alert(1)</script>") >= 6
    assert page.count("img") == 1


def test_a_thumbnail_that_is_no_picture_is_left_away() -> None:
    row = replace(photos(1)[0], reasons=("image.blurred",))
    page = checked(render(sample_report([row]), {row.zip_path: b"<svg onload=alert(1)>"}))
    assert page.count("img") == 0
    assert "no picture" in page.text


def test_findings_are_grouped_and_long_lists_cut() -> None:
    blurred = tuple(
        Finding(
            Severity.WARNING, "image.blurred", f"DJI_{index:04}.JPG is blurred.", "Fly slower.", f"DJI_{index:04}.JPG"
        )
        for index in range(450)
    )
    page = checked(render(sample_report(findings=blurred)))
    assert "450×" in page.text
    assert "250 more are in the JSON report" in page.text
    assert page.text.count("Fly slower.") == 1


def test_one_code_of_two_severities_is_two_groups_with_links_of_their_own() -> None:
    findings = tuple(Finding(severity, "survey.gap", "There.") for severity in (Severity.INFO, Severity.WARNING))
    page = checked(render(sample_report(findings=findings)))
    assert page.count("article", "finding") == 3


def test_statuses_differ_in_shape_and_not_only_in_colour() -> None:
    kinds = ("assigned", "rejected", "duplicate", "unmatched")
    rows = [replace(row, status=kinds[index % 4]) for index, row in enumerate(photos(8))]
    page = checked(render(sample_report(rows)))
    assert [page.count("path", shape) > 0 for shape in ("disc", "square", "ring", "frame")] == [True] * 4


def test_the_gallery_shows_what_is_flagged_first_and_the_rest_evenly() -> None:
    rows = photos(1000)
    rows[900] = replace(rows[900], reasons=("image.blurred",))
    rows[500] = replace(rows[500], status="rejected", reasons=("image.pitch",))
    shown = photos_to_show(sample_report(rows), 100)
    assert [row.zip_path for row in shown[:2]] == [rows[500].zip_path, rows[900].zip_path]
    numbers = [int(row.zip_path[-8:-4]) for row in shown[2:]]
    assert (len(shown), numbers) == (100, sorted(set(numbers)))
    assert max(numbers) > 900
    page = checked(render(sample_report(rows), dict.fromkeys((row.zip_path for row in shown), WEBP), limit=100))
    assert page.count("img") == 100
    assert "900 images not shown here" in page.text


def test_five_thousand_images_are_quick_and_small() -> None:
    rows = photos(5000, per_line=70)
    findings = tuple(
        Finding(Severity.WARNING, "image.blurred", "Is blurred.", "Fly.", row.zip_path) for row in rows[:900]
    )
    report = sample_report(rows, findings)
    render(sample_report())  # the template is compiled once per process
    started = time.process_time()
    text = render(report)
    assert time.process_time() - started < 2.0
    assert len(text.encode()) < 5_000_000
    assert checked(text).count("path", "mark") == 5001


def test_an_upload_of_which_nothing_is_known() -> None:
    report = Report(dataset="x", images={}, verdict=Verdict(decision=Decision.NO_GO))
    page = checked(render(report))
    assert "No-go" in page.text
    assert page.count("svg", "map") == 0


@pytest.mark.fuzz
@given(any_reports())
def test_any_report_renders(report: Report) -> None:
    render(report, {row.zip_path: WEBP for row in report.photos}).encode()


@pytest.mark.fuzz
@given(any_reports())
def test_any_report_is_a_sound_page(report: Report) -> None:
    checked(render(report))


def _colours(block: str) -> dict[str, tuple[float, ...]]:
    found = re.findall(r"--([\w-]+):\s*#([0-9a-f]{6})", block)
    return {name: tuple(int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)) for name, code in found}


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2, relative luminance."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_colours_keep_the_contrast_of_wcag_aa() -> None:
    style = (TEMPLATES / "page.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    for colours in (_colours(light), _colours(dark)):
        for text in ("ink", "quiet", "link"):
            for ground in ("page", "card"):
                assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for tone in ("go", "review", "no-go", "info"):
            assert _contrast(colours[tone], colours[f"{tone}-soft"]) >= 4.5, tone
            assert _contrast(colours["ink"], colours[f"{tone}-soft"]) >= 4.5, tone
        for mark in ("used", "rejected", "duplicate", "other", "f0", "f1", "f2", "f3", "f4", "f5"):
            assert _contrast(colours[mark], colours["land"]) >= 3.0, mark


def test_a_stray_exposure_does_not_shrink_the_map() -> None:
    rows = photos(40)
    stray = PhotoRow(zip_path="stray.jpg", status="unmatched", longitude=12.0, latitude=48.0)
    alone, together = (checked(render(sample_report(found))) for found in (rows, [*rows, stray]))
    assert alone.attributes("data-metres-per-unit") == together.attributes("data-metres-per-unit")
    assert "1 exposure beyond the edge of this map, up to 74.6 km" in together.text


def test_gaps_of_every_polygon_geometry_are_drawn() -> None:
    square = [[list(corner) for corner in ring(11.0001, 48.0005)]]
    polygon = {"type": "Polygon", "coordinates": square}
    for geometry in (
        polygon,
        {"type": "MultiPolygon", "coordinates": [square, square]},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": polygon, "properties": {}}]},
        {"type": "GeometryCollection", "geometries": [polygon]},
    ):
        report = replace(sample_report(), coverage=Coverage(gaps=geometry))
        elements = checked(render(report)).elements
        drawn = next(attributes["d"] for _, attributes in elements if attributes.get("class") == "gaps")
        assert (drawn or "").count("z") == (2 if geometry["type"] == "MultiPolygon" else 1)
