"""Reports for the tests of the pre-flight room: one that has everything, and any at all."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from aerodag.findings import Finding, Severity
from aerodag.preflight import (
    Coverage,
    Decision,
    Estimate,
    Flight,
    Job,
    PhotoRow,
    Prediction,
    Reason,
    Report,
    Resources,
    RtkSummary,
    SensorGroup,
    Verdict,
    Workload,
    predict,
)

START = datetime(2026, 6, 1, 10, 15, tzinfo=UTC)
DEGREE_M = 111_320.0


def ring(longitude: float, latitude: float, metres: float = 20.0) -> tuple[tuple[float, float], ...]:
    """A square around a position near the equator's scale; only its looks matter."""
    half = metres / DEGREE_M
    corners = ((-half, -half), (half, -half), (half, half), (-half, half))
    return tuple((longitude + east, latitude + north) for east, north in corners)


def photos(count: int, per_line: int = 20, step_m: float = 10.0) -> list[PhotoRow]:
    """A lawn-mower flight at 48 degrees north."""
    rows = []
    for index in range(count):
        line, place = divmod(index, per_line)
        place = place if line % 2 == 0 else per_line - 1 - place
        longitude, latitude = 11.0 + line * step_m / DEGREE_M * 1.5, 48.0 + place * step_m / DEGREE_M
        rows.append(
            PhotoRow(
                zip_path=f"100MEDIA/DJI_{index:04}.JPG",
                status="assigned",
                longitude=longitude,
                latitude=latitude,
                captured_at=START + timedelta(seconds=2 * index),
                flight=1 + 2 * index // max(count, 1),
                sharpness=800.0 + index,
                footprint=ring(longitude, latitude),
            )
        )
    return rows


def sample_report(rows: list[PhotoRow] | None = None, findings: tuple[Finding, ...] = ()) -> Report:
    """A report with every part of it filled."""
    rows = photos(40) if rows is None else rows
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    gap = {"type": "Polygon", "coordinates": [[list(corner) for corner in ring(11.0001, 48.0005, 8)]]}
    hull = {"type": "Polygon", "coordinates": [[list(corner) for corner in ring(11.0001, 48.0009, 200)]]}
    return Report(
        dataset="field 7",
        images=counts,
        verdict=Verdict(
            decision=Decision.REVIEW,
            reasons=(Reason(decision=Decision.REVIEW, code="survey.gaps", message="1 gap of 310 m² is there."),),
        ),
        created_at=START + timedelta(hours=2),
        source_bytes=65_000_000,
        sensors=(
            SensorGroup(name="rgb", images=40, make="DJI", model="FC6310R", band="RGB", width=5472, height=3648),
            SensorGroup(name="thermal", images=4, chosen=False, make="DJI", model="M3T", band="LWIR", focal_mm=9.1),
        ),
        flights=(
            Flight(number=1, images=20, start=START, end=START + timedelta(seconds=80), length_m=200.0, height_m=40.0),
            Flight(number=2, images=20),
        ),
        captured_from=START,
        captured_to=START + timedelta(minutes=3),
        captured_source="gps",
        rtk=RtkSummary(
            expected=True, source="mrk", fixed=38, floating=1, single=1, fix_ratio=0.95, median_horizontal_m=0.014,
            median_vertical_m=0.026, worst_m=0.9, worst_image="100MEDIA/DJI_0003.JPG", files=("100_Timestamp.MRK",),
        ),
        control_points=5,
        coverage=Coverage(
            area_m2=14_000.0, forward_overlap=0.82, side_overlap=0.71, gsd_cm_median=1.6, share_seen_3=0.93,
            share_touching=1.0, gap_area_m2=310.0, gaps=gap, hull=hull,
        ),
        prediction=predict(
            Workload(images=40, megapixels_per_image=20.0, input_bytes=400_000_000), Job(engine="embedded", cores=2)
        ),
        resources=Resources(free_disk_bytes=120 * 10**9, memory_bytes=16 * 10**9, cores=2),
        findings=(
            Finding(Severity.WARNING, "survey.gaps", "1 gap of 310 m² is there.", "Fly it again.", None, {"gaps": 1}),
            *findings,
        ),
        photos=tuple(rows),
    )  # fmt: skip


texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["<script>alert(1)</script>", "\x00\x1b[2J", "\ud800", "a\"'><img src=x onerror=y>", "\u202eGPJ.", ""]
    ),
)
numbers = st.one_of(st.none(), st.floats(), st.sampled_from([math.nan, math.inf, -0.0, 1e300, 0.0]))
degrees = st.one_of(st.none(), st.floats(-181, 181), st.sampled_from([math.nan, math.inf, 180.0, -90.0]))
counts = st.integers(0, 10**9)
times = st.one_of(st.none(), st.datetimes(), st.datetimes(timezones=st.just(UTC)))
rings = st.one_of(st.none(), st.lists(st.tuples(st.floats(), st.floats()), max_size=6).map(tuple))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), texts, st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
geometries = st.one_of(
    st.none(),
    st.dictionaries(texts, json_values, max_size=2),
    st.builds(
        lambda kind, parts: {"type": kind, "coordinates": parts},
        st.sampled_from(["Polygon", "MultiPolygon", "Point"]),
        st.one_of(json_values, st.lists(st.lists(st.lists(st.floats(-91, 91), max_size=3), max_size=5), max_size=2)),
    ),
)
statuses = st.one_of(st.sampled_from(["assigned", "rejected", "duplicate", "invalid_exif", "staged"]), texts)
findings_of_any_kind = st.builds(
    Finding,
    severity=st.sampled_from(list(Severity)),
    code=st.one_of(st.sampled_from(["survey.gaps", "image.blurred", "odd"]), texts),
    message=texts,
    advice=texts,
    image=st.one_of(st.none(), texts),
    numbers=st.dictionaries(texts, json_values, max_size=2),
)


def any_reports() -> st.SearchStrategy[Report]:
    """Reports of any mix of unknown, infinite and hostile values."""
    estimates = st.tuples(counts, counts, counts).map(
        lambda three: Estimate(low=min(three), likely=sorted(three)[1], high=max(three))
    )
    reasons = st.builds(Reason, decision=st.sampled_from(list(Decision)), code=texts, message=texts)
    rows = st.builds(
        PhotoRow, zip_path=texts, status=statuses, reasons=st.lists(texts, max_size=2).map(tuple), longitude=degrees,
        latitude=degrees, captured_at=times, flight=st.one_of(st.none(), st.integers(-1, 9)), sharpness=numbers,
        footprint=rings,
    )  # fmt: skip
    return st.builds(
        Report,
        dataset=texts,
        images=st.dictionaries(statuses, counts, max_size=4),
        verdict=st.builds(
            Verdict, decision=st.sampled_from(list(Decision)), reasons=st.lists(reasons, max_size=2).map(tuple)
        ),
        created_at=times,
        source_bytes=st.one_of(st.none(), counts),
        sensors=st.lists(
            st.builds(SensorGroup, name=texts, images=counts, make=texts, model=texts, band=texts, focal_mm=numbers),
            max_size=2,
        ).map(tuple),
        flights=st.lists(
            st.builds(Flight, number=counts, images=counts, length_m=numbers, height_m=numbers), max_size=3
        ).map(tuple),
        captured_from=times,
        captured_to=times,
        rtk=st.one_of(
            st.none(),
            st.builds(
                RtkSummary, expected=st.booleans(), source=texts, fix_ratio=numbers, median_horizontal_m=numbers,
                worst_m=numbers, worst_image=texts, reason=texts,
            ),
        ),
        coverage=st.one_of(
            st.none(),
            st.builds(
                Coverage, area_m2=numbers, forward_overlap=numbers, side_overlap=numbers, gsd_cm_median=numbers,
                share_seen_3=numbers, gap_area_m2=numbers, gaps=geometries, hull=geometries,
            ),
        ),
        prediction=st.one_of(
            st.none(),
            st.builds(
                Prediction, engine=texts, preset=texts, memory_bytes=estimates, disk_bytes=estimates, seconds=estimates
            ),
        ),
        resources=st.one_of(st.none(), st.builds(Resources, free_disk_bytes=counts, memory_bytes=counts)),
        findings=st.lists(findings_of_any_kind, max_size=4).map(tuple),
        photos=st.lists(rows, max_size=5).map(tuple),
    )  # fmt: skip
