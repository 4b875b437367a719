"""ODM's output, line by line: where it is, how far, since when, and what it says on the way.

Memory is bounded whatever the log's length; a line costs a few microseconds.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from aerodag.photogrammetry.odm.stages import BY_NAME, ORDER, STAGES
from aerodag.photogrammetry.odm.watching.facts import LogFacts

Level = Literal["info", "warning", "error"]

TAIL_LINES: Final = 200
HEAD_LINES: Final = 20
TROUBLE_LINES: Final = 50
LINE_CHARACTERS: Final = 2000
_MOST_STAGES: Final = 100
_MOST_PARTS: Final = 8

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TAG = re.compile(r"\[(INFO|WARNING|ERROR|DEBUG)\]\s*")
_TAG_WITHIN = 80  # a time in front of the tag, no more
_STAGE = re.compile(r"(Running|Finished) (\w{1,40}) stage\s*$", re.ASCII)
_LEVELS: Mapping[str, Level] = {"INFO": "info", "DEBUG": "info", "WARNING": "warning", "ERROR": "error"}
_ERROR = re.compile(
    r"Traceback \(most recent call last\)|^\w[\w.]{0,80}(?:Error|Exception)\b|\bERROR:|std::bad_alloc|Errno 28"
    r"|No space left on device|(?:^|\.{3}|\s)Killed\b|Segmentation fault|core dumped|Caught TERM|^[Ee]rror:|CUDA error"
)
# A line of the millions that match costs least when these words are looked for before the patterns.
_ERROR_WORDS = (
    "rror", "ERROR", "Exception", "Traceback", "bad_alloc", "Errno", "No space", "Killed", "ault", "dumped", "Caught",
)  # fmt: skip
_WARNING = re.compile(r"\bWARNING:|\bWarning:|\w{1,40}Warning:")


def plain(text: str) -> str:
    """A line without terminal colours, cut to 2000 characters."""
    text = text[: 2 * LINE_CHARACTERS]
    return (_ANSI.sub("", text) if "\x1b" in text else text).rstrip()[:LINE_CHARACTERS]


def level(text: str) -> Level:
    """How much a line matters: ODM's own tag, or what children and Python print when they fail."""
    line = plain(text)
    tag = _TAG.search(line, 0, _TAG_WITHIN)
    if tag:
        return _LEVELS[tag[1]]
    if _is_error(line):
        return "error"
    return "warning" if ("WARN" in line or "Warn" in line) and _WARNING.search(line) else "info"


def _is_error(line: str) -> bool:
    for word in _ERROR_WORDS:
        if word in line:
            return _ERROR.search(line) is not None
    return False


@dataclass(slots=True)
class StageRun:
    """One stage as it ran: the journal's row; times are the log's, None where lines carry none."""

    stage: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    finished: bool = False


@dataclass(frozen=True, slots=True)
class _Step:
    """Progress inside a stage: lines that match, counted or with a percentage of their own, span ``low..high``."""

    stage: str
    needle: str
    pattern: re.Pattern[str]
    low: float
    high: float


# One line an image; the others of OpenSfM come by pair, whose number nobody knows beforehand.
_COUNTED = (
    _Step("opensfm", " features for image ", re.compile(r"Extracting \w+ features for image "), 5, 11),
    _Step("opensfm", " to the reconstruction", re.compile(r"Adding \S.{0,255} to the reconstruction"), 14, 22),
)
_MEASURED = (
    _Step("openmvs", "Estimated depth-maps", re.compile(r".*Estimated depth-maps \d+ \((\d{1,3}(?:\.\d+)?)%"), 25, 42),
    _Step("openmvs", "Fused depth-maps", re.compile(r".*Fused depth-maps \d+ \((\d{1,3}(?:\.\d+)?)%"), 42, 48),
)


@dataclass(slots=True)
class Watcher:
    """Hears a job's output once, in order.

    ``percent`` is 0-100 over the whole run and never falls. ``journal`` has the stages in the order they began; those
    of a split dataset's submodels belong to its stage ``split``. ``troubles`` are error lines of the unfinished stage.
    """

    stage: str | None = None
    percent: float = 0.0
    lines: int = 0
    last_line_at: datetime | None = None
    journal: list[StageRun] = field(default_factory=list)
    facts: LogFacts = field(default_factory=LogFacts)
    head: list[str] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    troubles: deque[str] = field(default_factory=lambda: deque(maxlen=TROUBLE_LINES))
    _counts: dict[str, int] = field(default_factory=dict)

    def hear(self, text: str, at: datetime | None = None) -> None:
        """Take one line; progress that overwrites itself by carriage returns counts as several."""
        self.lines += 1
        self.last_line_at = at or self.last_line_at
        line = plain(text)
        if len(self.head) < HEAD_LINES:
            self.head.append(line)
        self.tail.append(line)
        for part in line.split("\r")[-_MOST_PARTS:] if "\r" in line else (line,):
            self._understand(part, at)

    @property
    def finished_stages(self) -> tuple[str, ...]:
        """Stages that ended well, in order."""
        return tuple(run.stage for run in self.journal if run.finished)

    @property
    def split(self) -> bool:
        """Whether the dataset is worked on in submodels."""
        return self.facts.submodels is not None

    @property
    def orthophoto_finished(self) -> bool:
        """Whether the log says that the whole orthophoto was made; it is merged where the dataset was split."""
        return ("merge" if self.split else "odm_orthophoto") in self.finished_stages

    def evidence(self) -> list[str]:
        """The last lines of the unfinished stage, oldest first: what can be the cause of a failure."""
        lines = list(self.tail)
        for index in range(len(lines) - 1, -1, -1):
            message = _message(lines[index])
            if (match := _STAGE.match(message)) and match[1] == "Finished" and not self._nested(match[2]):
                return lines[index + 1 :]
        return lines

    def _understand(self, line: str, at: datetime | None) -> None:
        tag = _TAG.search(line, 0, _TAG_WITHIN)
        message = line[tag.end() :] if tag else line.strip()
        if tag and (match := _STAGE.match(message)):
            self._change(match[1], match[2], at)
            return
        self.facts.note(message)
        if (tag and tag[1] == "ERROR") or (not tag and _is_error(line)):
            self.troubles.append(line)
        if not tag:
            self._advance_within(line)
        elif self.facts.submodels and self.stage == "split":
            # Each submodel is reconstructed first; then each passes through the other stages.
            self._reach(5 + 70 * min(1.0, max(0, self.facts.submodels_seen - 1) / (2 * self.facts.submodels)))

    def _nested(self, stage: str) -> bool:
        return self.stage == "split" and stage != "split"

    def _change(self, verb: str, stage: str, at: datetime | None) -> None:
        if self._nested(stage):
            return
        if verb == "Running":
            self._begin(stage, at)
        else:
            self._finish(stage, at)

    def _begin(self, stage: str, at: datetime | None) -> None:
        self.stage = stage
        self._counts.clear()
        if len(self.journal) < _MOST_STAGES:
            self.journal.append(StageRun(stage, started_at=at))
        before = ORDER.get(stage, 0) - 1
        if before >= 0:
            self._reach(STAGES[before].percent)

    def _finish(self, stage: str, at: datetime | None) -> None:
        run = next((run for run in reversed(self.journal) if run.stage == stage and not run.finished), None)
        if run is None:
            if len(self.journal) >= _MOST_STAGES:
                return
            run = StageRun(stage)
            self.journal.append(run)
        run.finished, run.finished_at = True, at
        self.troubles.clear()
        if stage == "openmvs" and self.facts.gpu_visible and self.facts.gpu_dense is None:
            self.facts.gpu_dense = True
        if self.stage == stage:
            self.stage = None
        self._reach(self._percent_after(stage))

    def _percent_after(self, stage: str) -> float:
        if self.split and stage in {"split", "merge"}:
            return {"split": 75.0, "merge": 98.0}[stage]
        return BY_NAME[stage].percent if stage in BY_NAME else 0.0

    def _advance_within(self, line: str) -> None:
        for step in _COUNTED:
            if step.needle in line and self.stage == step.stage and step.pattern.search(line):
                self._counts[step.needle] = self._counts.get(step.needle, 0) + 1
                share = self._counts[step.needle] / max(1, self.facts.usable_images or 0)
                if self.facts.usable_images:
                    self._reach(step.low + (step.high - step.low) * min(1.0, share))
        for step in _MEASURED:
            if step.needle in line and self.stage == step.stage and (match := step.pattern.match(line)):
                self._reach(step.low + (step.high - step.low) * min(1.0, float(match[1]) / 100))

    def _reach(self, percent: float) -> None:
        self.percent = max(self.percent, min(100.0, percent))


def _message(line: str) -> str:
    tag = _TAG.search(line, 0, _TAG_WITHIN)
    return line[tag.end() :] if tag else line.strip()


_RUNTIME = re.compile(r"(\w[\w .-]{0,60}) runtime: (\d{1,9}(?:\.\d{1,9})?) seconds\s*", re.ASCII)


def read_benchmark(path: Path) -> dict[str, float]:
    """Seconds by stage from ``benchmark.txt``, which ODM appends to at each stage's end; empty without the file.

    A line that is still being written is left out; of several runs the last counts.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 20)
    except OSError:
        return {}
    whole = text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]
    matches = (_RUNTIME.fullmatch(line.strip()) for line in whole)
    return {match[1]: float(match[2]) for match in matches if match}
