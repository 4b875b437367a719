"""The report's words, the same on the page and in the terminal: titles, labels, key figures, grouped findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aerodag.findings import Finding, Severity
from aerodag.preflight import amounts
from aerodag.preflight.predict import Basis, Estimate
from aerodag.preflight.report import Report, RtkSummary, SensorGroup
from aerodag.preflight.verdict import Decision

VERDICT_TITLES: Final = {Decision.GO: "Go", Decision.REVIEW: "Review", Decision.NO_GO: "No-go"}
VERDICT_LINES: Final = {
    Decision.GO: "Nothing stands against processing this upload.",
    Decision.REVIEW: "It can be processed, but have a look at this first.",
    Decision.NO_GO: "Processing this upload would fail.",
}
SEVERITY_TITLES: Final = {
    Severity.ERROR: "Error",
    Severity.DEGRADED: "Degraded",
    Severity.WARNING: "Warning",
    Severity.INFO: "Note",
}
_STATUS_TITLES: Final = {
    "assigned": "used",
    "staged": "used",
    "rejected": "left out",
    "unmatched": "not part of this survey",
    "invalid_exif": "no usable metadata",
    "duplicate": "duplicate",
}
_SEVERITIES: Final = tuple(SEVERITY_TITLES)
_ABBREVIATIONS: Final = frozenset({"gps", "gsd", "rtk", "exif", "xmp", "mrk", "gcp"})


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One figure worth seeing at once."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """All findings of one code and severity; ``anchor`` is its fragment of the page."""

    severity: Severity
    code: str
    findings: tuple[Finding, ...]
    anchor: str

    @property
    def title(self) -> str:
        """The code in words."""
        words = reason(self.code)
        return words[:1].upper() + words[1:]

    @property
    def advice(self) -> str:
        """What to do; the first advice that is given."""
        return next((finding.advice for finding in self.findings if finding.advice), "")


def group_findings(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Findings by severity and code, the gravest and most frequent first."""
    groups: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((Severity(finding.severity), finding.code), []).append(finding)
    ordered = sorted(groups.items(), key=lambda item: (_SEVERITIES.index(item[0][0]), -len(item[1]), item[0][1]))
    return [
        FindingGroup(severity, code, tuple(members), anchor=f"finding-{index}")
        for index, ((severity, code), members) in enumerate(ordered, 1)
    ]


def status(code: str) -> str:
    """A status for people."""
    return _STATUS_TITLES.get(code, code.replace("_", " "))


def reason(code: str) -> str:
    """A finding's code for people: ``image.no_position`` is "no position"."""
    words = code.rpartition(".")[2].replace("_", " ") or code
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words.split(" "))


def basis(estimate: Estimate) -> str:
    """What an estimate rests on, if it is more than the published figures."""
    return f"from {amounts.count_of(estimate.runs, 'run')} here" if estimate.basis == Basis.HISTORY else ""


def sensor(group: SensorGroup) -> str:
    """Make and model, the make once."""
    make, model = group.make or "", group.model or ""
    return model if make and model.startswith(make) else " ".join(part for part in (make, model) if part) or group.name


def clock(report: Report) -> str:
    """Which clock the capture times are of."""
    return "camera clock" if report.captured_source == "exif_local" else "UTC"


def key_figures(report: Report) -> list[KeyFigure]:
    """The handful of figures a person asks for first; what is unknown is left away."""
    figures = [KeyFigure("Images used", f"{report.used:,}", f"of {report.total:,}"), *_coverage_figures(report)]
    if report.flights:
        span = amounts.duration(
            sum((flight.end - flight.start).total_seconds() for flight in report.flights if flight.start and flight.end)
        )
        figures.append(KeyFigure("Flights", f"{len(report.flights)}", f"{span} in the air"))
    if report.rtk is not None and report.rtk.expected:
        figures.append(KeyFigure("RTK fixed", amounts.percent(report.rtk.fix_ratio), _deviation(report.rtk)))
    if report.prediction is not None:
        time = report.prediction.seconds
        figures.append(
            KeyFigure("Engine time", amounts.duration(time.likely), f"{report.prediction.engine}, {_between(time)}")
        )
    return figures


def _between(time: Estimate) -> str:
    return f"{amounts.duration(time.low)} to {amounts.duration(time.high)}"


def _coverage_figures(report: Report) -> Iterable[KeyFigure]:
    coverage = report.coverage
    if coverage is None:
        return
    if amounts.known(coverage.area_m2) is not None:
        seen = amounts.known(coverage.share_seen_3)
        yield KeyFigure("Area", amounts.area(coverage.area_m2), f"{amounts.percent(seen)} seen 3 times" if seen else "")
    if amounts.known(coverage.forward_overlap) is not None:
        side = amounts.known(coverage.side_overlap)
        note = f"forward; {amounts.percent(side)} sideways" if side is not None else "forward"
        yield KeyFigure("Overlap", amounts.percent(coverage.forward_overlap), note)
    if amounts.known(coverage.gsd_cm_median) is not None:
        yield KeyFigure("Ground pixel", amounts.number(coverage.gsd_cm_median, 2, "cm"), "median GSD")


def _deviation(rtk: RtkSummary) -> str:
    if amounts.known(rtk.median_horizontal_m) is None:
        return f"of {rtk.fixed + rtk.floating + rtk.single + rtk.without:,}"
    return f"{amounts.distance(rtk.median_horizontal_m)} median"
