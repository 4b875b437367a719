"""The page ``docs/errors.md``: every code, what it says and what to do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from aerodag.codes.entries import Entry
from aerodag.codes.sites import Kind
from aerodag.codes.texts import ANY, UNKNOWN

Cells = Callable[[Sequence[Entry]], Sequence[str]]

_MOST_MESSAGES = 3
_LEAST_IN_COMMON = 2

_RETRIES = {
    "never": "no",
    "same": "yes",
    "smaller": "with less memory",
    "without_gpu": "without GPU",
    "clean_stage": "the stage anew",
    "clean_images": "with cleaned images",
}
_HEAD = """# What to do when

Written by `make errors-page` from the source; a test keeps the two together. `…` stands for what only the run knows.

## Failures

The code stands in the run's note, the task's log, `run.failure_code`, `step.failure_code` and notifications. *Cured by*
is the category: **data**, the uploader; **config**, whoever set the parameter or setting; **engine**, another plan or
engine; **resources**, more memory or time; **infrastructure**, the operator; **cancelled**, a person stopped it. *Tried
again* says what happens by itself: `yes` is the same step again, the others are the engine's next try, once for each
remedy. After `no`, clear the task when the cause is cured.
"""
_REMARKS = """
## Remarks

What is found on an upload or a result and stops nothing: the code stands in `finding.code`, and for images in
`image.reasons`. A run with a *degraded* or an *error* ends degraded.
"""
_VERDICTS = """
## Pre-flight verdicts

Why a run waits for an answer before the engine (*review*), or cannot succeed (*no-go*), beside the remarks that
`AERODAG_CHECKS__REVIEWING` lists.
"""
_EVENTS = """
## Events

What housekeeping and the pipeline write down in `aerodag.event`; `aerodag notify` sends those that a person waits for.
"""


def page(known: Iterable[Entry]) -> str:
    """The page in Markdown."""
    by_kind: dict[Kind, list[Entry]] = defaultdict(list)
    for entry in known:
        by_kind[entry.kind].append(entry)
    failures = _rooms(by_kind[Kind.FAILURE], ("cured by", "tried again"), _cures)
    remarks = _rooms(by_kind[Kind.REMARK], ("weight",), _weights)
    return "".join(
        (
            _HEAD,
            *failures,
            _REMARKS,
            *remarks,
            _VERDICTS,
            *_verdicts(by_kind[Kind.VERDICT]),
            _EVENTS,
            *_events(by_kind[Kind.EVENT]),
        )
    )


def _rooms(known: Iterable[Entry], columns: Sequence[str], cells: Cells) -> Iterator[str]:
    """A table for each room; ``cells`` are those of ``columns`` for the entries of a code."""
    rooms: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in known:
        rooms[entry.code.partition(".")[0]][entry.code].append(entry)
    for room, codes in rooms.items():
        yield f"\n### {room}\n\n"
        yield _line("code", "says", *columns, "do")
        yield _line(*["---"] * (3 + len(columns)))
        for code, found in codes.items():
            told = _told(found)
            for index, (messages, advice) in enumerate(told):
                about = cells(found) if index == 0 else [""] * len(columns)
                yield _line("" if index else f"`{code}`", messages, *about, advice)


def _told(found: Sequence[Entry]) -> list[tuple[str, str]]:
    """Messages and advice of a code: one row for each advice, unless several are given for the same message."""
    by_advice: dict[str, list[str]] = defaultdict(list)
    for entry in found:
        by_advice[entry.advice].append(_as_sentence(entry.message))
    by_message: dict[str, list[str]] = defaultdict(list)
    for advice, messages in by_advice.items():
        by_message["<br>".join(_gathered(sorted(set(messages))))].append(advice)
    return [(message, "<br>".join(filter(None, advices))) for message, advices in by_message.items()]


def _as_sentence(message: str) -> str:
    """What begins in the middle is the end of a sentence."""
    return f"{UNKNOWN} {message}" if message[:1].islower() else message.replace(ANY, UNKNOWN)


def _gathered(messages: list[str]) -> list[str]:
    """Few messages as they are; of many, what they have in common."""
    if len(messages) <= _MOST_MESSAGES:
        return messages
    words = [message.split(" ") for message in messages]
    start = _common(words)
    end = _common([line[len(start) :][::-1] for line in words])[::-1]
    if len(start) < _LEAST_IN_COMMON:
        return [*messages[:_MOST_MESSAGES], UNKNOWN]
    return [" ".join([*start, UNKNOWN, *end])]


def _common(lines: list[list[str]]) -> list[str]:
    common = []
    for column in zip(*lines, strict=False):
        if len(set(column)) > 1:
            break
        common.append(column[0])
    return common


def _weights(found: Sequence[Entry]) -> Sequence[str]:
    return [_joined(entry.weight for entry in found)]


def _cures(found: Sequence[Entry]) -> Sequence[str]:
    retries = dict.fromkeys(_RETRIES[entry.retry] for entry in found if entry.retry)
    return _joined(entry.category for entry in found), " or ".join(retries)


def _joined(texts: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(filter(None, texts)))


def _verdicts(known: Sequence[Entry]) -> Iterator[str]:
    yield "\n" + _line("code", "says", "verdict") + _line(*["---"] * 3)
    for entry in known:
        yield _line(f"`{entry.code}`", entry.message, entry.weight)


def _events(known: Sequence[Entry]) -> Iterator[str]:
    yield "\n" + _line("event", "says") + _line(*["---"] * 2)
    by_code: dict[str, list[str]] = defaultdict(list)
    for entry in known:
        by_code[entry.code].append(entry.message)
    for code, messages in by_code.items():
        yield _line(f"`{code}`", "<br>".join(_gathered(messages)))


def _line(*cells: str) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |\n"


def _escaped(text: str) -> str:
    """Text for a cell of a table, with every run of ellipses as one."""
    plain = re.sub(rf"{UNKNOWN}[{UNKNOWN}\s]*{UNKNOWN}", UNKNOWN, text)
    return plain.replace("|", "\\|").replace("*", "\\*").strip()
