"""The report for the command line: what the page says, without the map's pictures, in any terminal's width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aerodag.findings import Severity
from aerodag.preflight import amounts, words
from aerodag.preflight.predict import Prediction
from aerodag.preflight.report import USED, Report
from aerodag.preflight.site_map import draw
from aerodag.preflight.verdict import Decision, Resources, Verdict
from aerodag.preflight.words import FindingGroup

_VERDICT_STYLES: Final = {Decision.GO: "green", Decision.REVIEW: "yellow", Decision.NO_GO: "red"}
_SEVERITY_STYLES: Final = {
    Severity.ERROR: "bold red",
    Severity.DEGRADED: "red",
    Severity.WARNING: "yellow",
    Severity.INFO: "cyan",
}
_MAP_COLUMNS, _MAP_ROWS = 56, 16
_BRAILLE: Final = 0x2800
_BRAILLE_BITS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_IMAGES_NAMED: Final = 3


def renderable(report: Report) -> RenderableType:
    """The whole report as one rich renderable.

    Names and messages come from the upload: they are never read as markup and lose their control characters.
    """
    return Group(*_parts(report))


def _parts(report: Report) -> Iterator[RenderableType]:
    yield _verdict(report)
    yield _key_figures(report)
    if (sketch := _sketch(report)) is not None:
        yield sketch
    if report.findings:
        yield _findings(words.group_findings(report.findings))
    if report.prediction is not None:
        yield _needs(report.prediction, report.resources or Resources())
    if report.sensors:
        yield _sensors(report)
    if len(report.flights) > 1:
        yield _flights(report)
    if left_out := _left_out(report):
        yield left_out


def _text(text: str, style: str = "") -> Text:
    return Text(amounts.printable(text), style=style, overflow="fold")


def _table(title: str) -> Table:
    return Table(
        title=_text(title), title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )


def _below(content: RenderableType) -> Padding:
    return Padding(content, (1, 0, 0, 0))


def _verdict(report: Report) -> Panel:
    verdict: Verdict = report.verdict
    style = _VERDICT_STYLES[verdict.decision]
    lines = [_text(words.VERDICT_LINES[verdict.decision])]
    lines += [_text(f"{index}. {reason.message}") for index, reason in enumerate(verdict.reasons, 1)]
    title = Text.assemble((words.VERDICT_TITLES[verdict.decision], f"bold {style}"), "  ", _text(report.dataset))
    return Panel(Group(*lines), title=title, title_align="left", border_style=style, padding=(0, 1))


def _key_figures(report: Report) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    if report.captured_from or report.captured_to:
        captured = amounts.span(report.captured_from, report.captured_to)
        table.add_row(_text("Captured", "dim"), _text(f"{captured} ({words.clock(report)})"))
    for figure in words.key_figures(report):
        value = Text.assemble(_text(figure.value, "bold"), "  ", _text(figure.note, "dim"))
        table.add_row(_text(figure.title, "dim"), value)
    return _below(table)


def _sketch(report: Report) -> RenderableType | None:
    """The exposures as braille dots, north up; where one is left out there is a cross."""
    site = draw(report)
    dots = [dot for dot in site.dots if not dot.stray] if site else []
    if site is None or len(dots) < 2:
        return None
    west, east = min(dot.x for dot in dots), max(dot.x for dot in dots)
    north, south = min(dot.y for dot in dots), max(dot.y for dot in dots)
    # A braille cell is two dots wide and four high, and about twice as high as wide: its dots are square.
    step = max((east - west) / (2 * _MAP_COLUMNS - 1), (south - north) / (4 * _MAP_ROWS - 1), site.width / 1000)
    cells: dict[tuple[int, int], tuple[int, bool]] = {}
    for dot in dots:
        column, row = int((dot.x - west) / step), int((dot.y - north) / step)
        bits, used = cells.get((row // 4, column // 2), (0, True))
        cells[row // 4, column // 2] = (bits | _BRAILLE_BITS[row % 4][column % 2], used and dot.photo.used)
    lines = [_sketch_row(row, cells) for row in range(max(cells)[0] + 1)]
    across, along = (span * site.scale.metres / site.scale.pixels for span in (east - west, south - north))
    title = f"Exposures over {amounts.distance(across)} × {amounts.distance(along)}, north up; × is not used"
    return _below(Group(Text(title, style="bold"), *lines))


def _sketch_row(row: int, cells: dict[tuple[int, int], tuple[int, bool]]) -> Text:
    line = Text(no_wrap=True, overflow="crop")
    for column in range(max((place[1] for place in cells if place[0] == row), default=-1) + 1):
        bits, used = cells.get((row, column), (0, True))
        line.append(chr(_BRAILLE + bits) if used else "×", style="cyan" if used else "bold red")
    return line


def _findings(groups: Iterable[FindingGroup]) -> RenderableType:
    lines: list[RenderableType] = [Text("Findings", style="bold")]
    for group in groups:
        count = f" {len(group.findings):,}×" if len(group.findings) > 1 else ""
        head = Text.assemble(
            (words.SEVERITY_TITLES[group.severity], _SEVERITY_STYLES[group.severity]), " ", _text(group.code), count
        )
        lines += [head, Padding(_text(group.findings[0].message), (0, 0, 0, 2))]
        if more := _more_images(group):
            lines.append(Padding(_text(more, "dim"), (0, 0, 0, 2)))
        if group.advice:
            lines.append(Padding(_text(f"→ {group.advice}", "italic"), (0, 0, 0, 2)))
    return _below(Group(*lines))


def _more_images(group: FindingGroup) -> str:
    others = [finding.image for finding in group.findings[1:] if finding.image]
    if not others:
        return ""
    rest = len(others) - _IMAGES_NAMED
    return "also " + ", ".join(others[:_IMAGES_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _needs(prediction: Prediction, there: Resources) -> RenderableType:
    table = _table(f"Needs ({prediction.engine}, {prediction.preset})")
    for heading in ("", "likely", "range", "there"):
        table.add_column(heading, header_style="dim", overflow="fold")
    size = amounts.data_size
    rows = (
        ("Memory", prediction.memory_bytes, size, there.memory_bytes),
        ("Disk", prediction.disk_bytes, size, there.free_disk_bytes),
        ("Time", prediction.seconds, amounts.duration, None),
    )
    for title, estimate, show, available in rows:
        short = available is not None and estimate.likely > available
        basis = words.basis(estimate)
        table.add_row(
            title,
            show(estimate.likely),
            f"{show(estimate.low)} – {show(estimate.high)}{', ' + basis if basis else ''}",
            Text("" if available is None else show(available), style="red" if short else ""),
        )
    return _below(table)


def _sensors(report: Report) -> RenderableType:
    table = _table("Cameras")
    for heading in ("sensor", "images", "band", "pixels", "to the engine"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for sensor in report.sensors:
        pixels = f"{sensor.width} × {sensor.height}" if sensor.width and sensor.height else amounts.UNKNOWN
        name, band = _text(words.sensor(sensor)), _text(sensor.band or amounts.UNKNOWN)
        table.add_row(name, f"{sensor.images:,}", band, pixels, "yes" if sensor.chosen else "no")
    return _below(table)


def _flights(report: Report) -> RenderableType:
    table = _table("Flights")
    for heading in ("flight", "images", "time", "length", "height"):
        table.add_column(heading, header_style="dim", overflow="fold")
    for flight in report.flights:
        table.add_row(
            f"{flight.number}",
            f"{flight.images:,}",
            amounts.span(flight.start, flight.end),
            amounts.distance(flight.length_m),
            amounts.distance(flight.height_m),
        )
    return _below(table)


def _left_out(report: Report) -> RenderableType | None:
    counts = [
        f"{count:,} {words.status(status)}" for status, count in report.images.items() if count and status not in USED
    ]
    return _below(_text("Not used: " + ", ".join(counts), "dim")) if counts else None
