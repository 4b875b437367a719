"""How a job of ODM ended, judged from who stopped it, its log, its exit code and what is on disk."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aerodag.errors import AerodagError, ResourceError, Retry
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.jobs import Ending
from aerodag.photogrammetry.odm.judging.causes import BY_CODE, CAUSES, Cause, StopReason
from aerodag.photogrammetry.odm.watching.log import Watcher

# A survey of five thousand photographs has a few gigapixels; strays have been seen to make 77 of them.
STRAY_PIXELS: Final = 20e9
STRAY_RATIO: Final = 4.0
_SLACK_SECONDS: Final = 5.0
_KILLED: Final = 137
_CANVAS_STAGES: Final = frozenset({"odm_dem", "odm_orthophoto"})
_QUOTED: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the ending alone does not tell.

    ``stop`` is why we stopped the job, None if we did not. ``seconds`` is the bound inside the container, 0 for none.
    ``survey_area_m2`` is the ground that the cameras cover and ``resolution_m`` the orthophoto's planned pixel.
    """

    stop: StopReason | None = None
    has_orthophoto: bool = False
    gpu_granted: bool = False
    gpu_required: bool = False
    seconds: float = 0.0
    survey_area_m2: float | None = None
    resolution_m: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """``error`` is None where there is a result to look at, though perhaps a degraded one."""

    error: AerodagError | None
    findings: tuple[Finding, ...] = ()


def judge_ending(ending: Ending, watcher: Watcher, situation: Situation) -> Judgement:
    """What came of a job that ended.

    An exit code of 0 says only that there may be a result. A failure after the finished orthophoto costs what comes
    behind it, the report above all, and not the orthophoto, whoever ended the job; only a cancelled run stays one.
    """
    if situation.stop != StopReason.CANCELLED and situation.has_orthophoto:
        if ending.exit_code == 0:
            return Judgement(None)
        if watcher.orthophoto_finished:
            return Judgement(None, (_report_lost(ending, watcher, situation.stop),))
    if situation.stop is None and ending.exit_code == 0:
        return Judgement(None)
    cause, line = _find(ending, watcher, situation)
    return Judgement(_error(_by_size(cause, watcher, situation), line, ending, watcher, situation))


def _find(ending: Ending, watcher: Watcher, situation: Situation) -> tuple[Cause, str]:
    """The cause, and the line that tells it."""
    if situation.stop is not None:
        return next(cause for cause in CAUSES if cause.stop == situation.stop), ""
    if _bound_hit(ending, situation.seconds):
        return BY_CODE["engine.timeout"], ""
    if not watcher.lines and (found := _search(CAUSES, "started", [ending.message])):
        return found
    evidence = watcher.evidence()
    if (full := _search((BY_CODE["engine.disk_full"],), "said", evidence)) is not None:
        return full
    if ending.out_of_memory:
        return BY_CODE["engine.out_of_memory"], ""
    # Where ODM went on without the GPU, the GPU is not what it failed of in the end.
    causes = [cause for cause in CAUSES if not (watcher.facts.gpu_fallbacks and cause.retry is Retry.WITHOUT_GPU)]
    return (
        _search(causes, "said", evidence)
        or _search(causes, "said", watcher.troubles)
        or _search(CAUSES, "started", [ending.message])
        or (_by_exit_code(ending.exit_code), _last_word(watcher) or ending.message)
    )


def _bound_hit(ending: Ending, seconds: float) -> bool:
    """The bound inside the container ends by 124, or by 137 where ODM did not react; the clock tells it from others."""
    if ending.exit_code == min(BY_CODE["engine.timeout"].exit_codes):
        return True
    if ending.exit_code != _KILLED or ending.out_of_memory or seconds <= 0:
        return False
    if ending.started_at is None or ending.finished_at is None:
        return False
    return (ending.finished_at - ending.started_at).total_seconds() >= seconds - _SLACK_SECONDS


def _search(causes: Iterable[Cause], where: str, lines: Iterable[str]) -> tuple[Cause, str] | None:
    text = "\n".join(lines).lower()
    for cause in causes:
        for pattern in getattr(cause, where):
            matches = list(pattern.finditer(text))
            if matches:
                return cause, _line_at(text, matches[-1].end())
    return None


def _line_at(text: str, position: int) -> str:
    """The line in which a match ends."""
    start = text.rfind("\n", 0, max(0, position - 1)) + 1
    end = text.find("\n", max(start, position - 1))
    return text[start : end if end >= 0 else None].strip()


def _by_exit_code(code: int | None) -> Cause:
    if code is None:
        return BY_CODE["engine.ending_unknown"]
    return next((cause for cause in CAUSES if code in cause.exit_codes), BY_CODE["engine.failed"])


def _last_word(watcher: Watcher) -> str:
    if watcher.troubles:
        return watcher.troubles[-1].strip()
    return next((line.strip() for line in reversed(watcher.tail) if line.strip()), "")


def _by_size(cause: Cause, watcher: Watcher, situation: Situation) -> Cause:
    """Lack of memory over a canvas that no survey needs is a matter of geometry, which no memory cures."""
    over_canvas = cause.code == "engine.orthophoto_memory" or (
        cause.code == "engine.out_of_memory" and watcher.stage in _CANVAS_STAGES
    )
    return BY_CODE["engine.geometry_diverged"] if over_canvas and _is_stray(watcher, situation) else cause


def _is_stray(watcher: Watcher, situation: Situation) -> bool:
    if watcher.facts.canvas is None:
        return False
    pixels = watcher.facts.canvas[0] * watcher.facts.canvas[1]
    if situation.survey_area_m2 and situation.resolution_m:
        return pixels * situation.resolution_m**2 > STRAY_RATIO * situation.survey_area_m2
    return pixels > STRAY_PIXELS


def _error(cause: Cause, line: str, ending: Ending, watcher: Watcher, situation: Situation) -> AerodagError:
    where = f" in stage {watcher.stage}" if watcher.stage else ""
    code = "without an exit code" if ending.exit_code is None else f"with exit code {ending.exit_code}"
    said = f": {line[:_QUOTED]}" if line else "."
    return cause.kind(
        cause.code,
        f"{cause.message} It ended {code}{where}{said}",
        advice=cause.advice,
        numbers={
            "exit_code": ending.exit_code,
            "out_of_memory": ending.out_of_memory,
            "stage": watcher.stage,
            "finished_stages": list(watcher.finished_stages),
            "canvas": list(watcher.facts.canvas) if watcher.facts.canvas else None,
            "line": line[:_QUOTED],
        },
        retry=_retry(cause, situation),
    )


def _retry(cause: Cause, situation: Situation) -> Retry:
    """Without GPU only where there was one and it may be missing; else as if the row asked for nothing."""
    retry = cause.retry or cause.kind.retry
    if retry is not Retry.WITHOUT_GPU or (situation.gpu_granted and not situation.gpu_required):
        return retry
    return Retry.NEVER if issubclass(cause.kind, ResourceError) else cause.kind.retry


def _report_lost(ending: Ending, watcher: Watcher, stop: StopReason | None) -> Finding:
    why = f"was stopped ({stop})" if stop else f"failed with exit code {ending.exit_code}"
    return Finding(
        Severity.DEGRADED,
        "engine.report_lost",
        f"ODM {why} after it had finished the orthophoto; the report or other products behind it are missing.",
        "The orthophoto is used; clear the odm task if the report is needed.",
        numbers={"exit_code": ending.exit_code, "stage": watcher.stage, "line": _last_word(watcher)[:_QUOTED]},
    )
