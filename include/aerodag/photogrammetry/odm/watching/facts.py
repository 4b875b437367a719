"""What ODM's log says about a run beyond its stages: counts, the GPU, and warnings that leave the exit code at 0.

Sentences are those of ODM 3.x (opendm/, stages/); each is matched at the beginning of a message, behind its level tag,
so that a file name cannot pass for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_NAMES = 1000


@dataclass(slots=True)
class LogFacts:
    """Facts gathered from a log; None is "not said".

    ``gpu_visible`` is what ODM detected, ``gpu_features`` and ``gpu_dense`` what it then used without falling back;
    ``canvas`` is the orthophoto in pixels (width, height) as rendered, before the crop. ``corrupt_images`` names at
    most 1000 of ``corrupt_count`` images, ``warnings`` holds one line by finding code.
    """

    version: str | None = None
    loaded_images: int | None = None
    usable_images: int | None = None
    corrupt_images: list[str] = field(default_factory=list)
    corrupt_count: int = 0
    reconstructions: int | None = None
    positions_updated: int | None = None
    forced_gps_accuracy_m: float | None = None
    rerun_from: str | None = None
    gpu_visible: bool | None = None
    gpu_features: bool | None = None
    gpu_dense: bool | None = None
    gpu_fallbacks: list[str] = field(default_factory=list)
    tiled: bool = False
    submodels: int | None = None
    submodels_seen: int = 0
    canvas: tuple[int, int] | None = None
    warnings: dict[str, str] = field(default_factory=dict)

    def note(self, message: str) -> None:
        """Take one message, without its level tag."""
        for rule in RULES:
            if rule.needle in message and (match := rule.pattern.match(message)):
                rule.keep(self, match)


@dataclass(frozen=True, slots=True)
class Rule:
    """``needle`` is a cheap test before ``pattern``, which has to match at the beginning of the message."""

    needle: str
    pattern: re.Pattern[str]
    keep: Callable[[LogFacts, re.Match[str]], None]


def _count(name: str) -> Callable[[LogFacts, re.Match[str]], None]:
    """Keep a whole number, the first one: submodels of a split dataset say theirs later."""

    def keep(facts: LogFacts, match: re.Match[str]) -> None:
        if getattr(facts, name) is None:
            setattr(facts, name, int(match[1]))

    return keep


def _word(name: str) -> Callable[[LogFacts, re.Match[str]], None]:
    def keep(facts: LogFacts, match: re.Match[str]) -> None:
        if getattr(facts, name) is None:
            setattr(facts, name, match[1])

    return keep


def _warning(code: str) -> Callable[[LogFacts, re.Match[str]], None]:
    def keep(facts: LogFacts, match: re.Match[str]) -> None:
        facts.warnings.setdefault(code, match.string[:300])

    return keep


def _corrupt(facts: LogFacts, match: re.Match[str]) -> None:
    name = match[1][:255]
    if name in facts.corrupt_images:
        return
    facts.corrupt_count += 1
    if len(facts.corrupt_images) < MOST_NAMES:
        facts.corrupt_images.append(name)


def _reconstructions(facts: LogFacts, match: re.Match[str]) -> None:
    facts.reconstructions = max(facts.reconstructions or 0, int(match[1]))


def _gps_accuracy(facts: LogFacts, match: re.Match[str]) -> None:
    facts.forced_gps_accuracy_m = float(match[1])


def _gpu_visible(facts: LogFacts, match: re.Match[str]) -> None:
    facts.gpu_visible = True


def _gpu_invisible(facts: LogFacts, match: re.Match[str]) -> None:
    facts.gpu_visible = bool(facts.gpu_visible)


def _gpu_features(facts: LogFacts, match: re.Match[str]) -> None:
    facts.gpu_features = match[1] == "GPU"


def _features_fell_back(facts: LogFacts, match: re.Match[str]) -> None:
    facts.gpu_features = False
    facts.gpu_fallbacks.append(match.string[:300])
    del facts.gpu_fallbacks[10:]


def _dense_fell_back(facts: LogFacts, match: re.Match[str]) -> None:
    facts.gpu_dense = False
    facts.gpu_fallbacks.append(match.string[:300])
    del facts.gpu_fallbacks[10:]


def _tiled(facts: LogFacts, match: re.Match[str]) -> None:
    facts.tiled = True


def _submodel(facts: LogFacts, match: re.Match[str]) -> None:
    facts.submodels_seen += 1


def _canvas(facts: LogFacts, match: re.Match[str]) -> None:
    width, height = int(match[1]), int(match[2])
    if facts.canvas is None or width * height > facts.canvas[0] * facts.canvas[1]:
        facts.canvas = (width, height)


def _rule(needle: str, pattern: str, keep: Callable[[LogFacts, re.Match[str]], None]) -> Rule:
    return Rule(needle, re.compile(pattern, re.ASCII), keep)


RULES = (
    _rule("Initializing OD", r"Initializing OD[MX] (\d[\w.+-]{0,40})", _word("version")),
    _rule("Loading ", r"Loading (\d{1,7}) images", _count("loaded_images")),
    _rule("usable images", r"Found (\d{1,7}) usable images", _count("usable_images")),
    _rule("seems corrupted", r"(.{1,255}) seems corrupted and will not be used", _corrupt),
    _rule("Multiple reconstructions", r"Multiple reconstructions detected \((\d{1,6})", _reconstructions),
    _rule("image positions", r"Updated (\d{1,7}) image positions", _count("positions_updated")),
    _rule("Forcing GPS DOP", r"Forcing GPS DOP to (\d{1,6}(?:\.\d{1,9})?)", _gps_accuracy),
    _rule("Rerunning from", r"Rerunning from:? (\w{1,40})", _word("rerun_from")),
    _rule("No nvidia-smi", r"No nvidia-smi detected", _gpu_invisible),
    _rule("nvidia-smi", r"nvidia-smi not found", _gpu_invisible),
    _rule("Disabling GPU", r"Disabling GPU features", _gpu_invisible),
    _rule("nvidia-smi detected", r"nvidia-smi detected", _gpu_visible),
    _rule("extracting SIFT", r"Using (GPU|CPU) for extracting SIFT features", _gpu_features),
    _rule("GPU SIFT", r"GPU SIFT extraction failed", _features_fell_back),
    _rule("failed with GPU", r"OpenMVS failed with GPU", _dense_fell_back),
    _rule("turn on tiling", r"OpenMVS ran out of memory", _tiled),
    _rule("submodels", r"Dataset has been split into (\d{1,6}) submodels", _count("submodels")),
    _rule("submodel_", r"(?:Reconstructing|Processing) \S*submodel_\d+", _submodel),
    _rule("hoto resolution", r"(?:New o|O)rtho photo resolution, width x height : (\d{1,9})x(\d{1,9})", _canvas),
    _rule("render the ortho", r"Couldn't allocate enough memory to render the orthophoto \((\d+)x(\d+)", _canvas),
    _rule("not be georef", r"Could not generate coordinates file", _warning("engine.not_georeferenced")),
    _rule("No GPS info", r"No GPS information, using BOW", _warning("engine.no_positions_seen")),
    _rule("AI model", r"Cannot load AI model", _warning("engine.model_missing")),
    _rule("zero altitude", r"More than 5% of images have zero altitude", _warning("engine.altitudes_dropped")),
    _rule("(0,0)", r".{1,255} has GPS position \(0,0\)", _warning("engine.position_zero")),
    _rule("aligned reconst", r"Submodel \S+ does not have an aligned", _warning("engine.submodels_dropped")),
    _rule("boundary file", r"Reconstruction is not georeferenced, but boundary", _warning("engine.boundary_ignored")),
    _rule("Cannot generate report", r"Cannot generate report", _warning("engine.report_skipped")),
)  # fmt: skip
