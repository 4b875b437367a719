"""Docker's log stream: every line once, in order, whatever the pieces and the interruptions."""

from __future__ import annotations

import struct
from collections.abc import Generator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.containers.frames import LONGEST_LINE_BYTES, Assembler, Frame, Line, frames
from aerodag.containers.logs import LogReader

MOMENT = b"2026-05-01T10:00:00.123456789Z"

# Few times and few texts, so that equal lines in the same nanosecond are the rule.
entries = st.builds(
    lambda stream, second, text, ends: Frame(stream, b"2026-05-01T10:00:0%d.000000001Z %b%b" % (second, text, ends)),
    st.sampled_from([1, 2]),
    st.integers(0, 3),
    st.sampled_from([b"", b"a", b"progress 1%\rprogress 2%", b"\xff\xfe"]),
    st.sampled_from([b"\n", b"\n", b"\n", b""]),
)


def wire(frame: Frame) -> bytes:
    return struct.pack(">BxxxL", frame.stream, len(frame.payload)) + frame.payload


def lines(*given_frames: Frame) -> list[Line]:
    assembler = Assembler()
    made = [assembler.add(frame) for frame in given_frames]
    return [line for line in made if line] + list(assembler.finish())


def texts(*payloads: bytes) -> list[str]:
    return [line.text for line in lines(*(Frame(1, MOMENT + b" " + payload) for payload in payloads))]


class Log:
    """A log as an engine keeps it: it only grows, and shows its last entries."""

    def __init__(self, kept: Sequence[Frame] = ()) -> None:
        self.kept = list(kept)
        self.shown = 0

    def window(self, tail: int | None) -> Generator[Frame]:
        for frame in self.kept if tail is None else self.kept[-tail:]:
            self.shown += 1
            yield frame


@pytest.mark.fuzz
@given(st.lists(entries), st.lists(st.integers(1, 40), min_size=1))
def test_frames_do_not_depend_on_the_pieces(sent: list[Frame], sizes: list[int]) -> None:
    stream = b"".join(map(wire, sent))
    pieces, begin = [], 0
    while begin < len(stream):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(stream[begin : begin + size])
        begin += size

    assert list(frames(pieces)) == sent
    assert list(frames([stream[:-1]])) == sent[:-1]


def test_a_line_has_its_text_and_its_time() -> None:
    (line,) = lines(Frame(1, MOMENT + b" [INFO]    Running dataset stage\n"))

    assert (line.number, line.text) == (1, "[INFO]    Running dataset stage")
    assert line.at
    assert line.at.isoformat() == "2026-05-01T10:00:00.123456+00:00"


def test_pieces_of_a_long_line_are_joined_per_stream() -> None:
    long = [Frame(1, MOMENT + b" " + b"x" * 16384), Frame(2, MOMENT + b" other\n"), Frame(1, MOMENT + b" end\n")]

    assert [line.text for line in lines(*long)] == ["other", "x" * 16384 + "end"]


def test_a_progress_bar_is_its_last_state() -> None:
    assert texts(b"10%\r50%\r100%\r\n", b"\r\n", b"\n", b"ends with CRLF\r\n") == ["100%", "", "", "ends with CRLF"]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert texts(b"caf\xe9\n") == ["caf\N{REPLACEMENT CHARACTER}"]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    whole = LONGEST_LINE_BYTES // 16384
    assert [len(text) for text in texts(*[b"x" * 16384] * (whole + 1))] == [LONGEST_LINE_BYTES, 16384]


def test_the_last_line_may_lack_its_line_feed() -> None:
    log, reader = Log([Frame(1, MOMENT + b" Killed")]), LogReader()

    assert list(reader.read(log.window, ended=lambda: False)) == []
    assert [line.text for line in reader.read(log.window, ended=lambda: True)] == ["Killed"]
    assert list(reader.read(log.window, ended=lambda: True)) == []


@pytest.mark.fuzz
@given(st.lists(st.lists(entries, max_size=150), max_size=8), st.lists(st.integers(0, 60)))
def test_every_line_comes_once(bursts: list[list[Frame]], deaths: list[int]) -> None:
    # An entry's time makes it unique in its neighbourhood, as nanoseconds do; single entries may still be equal.
    log, reader, seen = Log(), LogReader(), list[Line]()
    for number, burst in enumerate(bursts):
        log.kept += [
            Frame(frame.stream, b"2026-05-01T10:%02d:%02d.%b" % (number, place // 3, frame.payload[20:]))
            for place, frame in enumerate(burst)
        ]
        if number < len(deaths):
            # Whoever read has died, and the last lines were not written down.
            del seen[max(0, len(seen) - deaths[number]) :]
            reader = LogReader()
        seen += [line for line in reader.read(log.window, ended=lambda: False) if line.number > len(seen)]
    seen += reader.read(log.window, ended=lambda: True)

    assert seen == lines(*log.kept)


def test_a_reader_may_be_left_in_the_middle() -> None:
    log, reader = Log([Frame(1, b"2026-05-01T10:00:00.%09dZ line\n" % number) for number in range(500)]), LogReader()
    for line in reader.read(log.window, ended=lambda: False):
        if line.number == 100:
            break

    assert [line.number for line in reader.read(log.window, ended=lambda: False)] == list(range(101, 501))


def test_a_look_at_a_long_log_reads_only_its_end() -> None:
    log, reader = Log([Frame(1, b"2026-05-01T10:00:00.%09dZ line\n" % number) for number in range(20_000)]), LogReader()
    assert len(list(reader.read(log.window, ended=lambda: False))) == 20_000
    list(reader.read(log.window, ended=lambda: False))
    log.shown = 0
    log.kept.append(Frame(1, b"2026-05-01T10:00:01.000000000Z new\n"))

    assert [line.text for line in reader.read(log.window, ended=lambda: False)] == ["new"]
    assert log.shown < 100


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    log, reader = Log([Frame(1, b"2026-05-01T10:00:00.%09dZ before\n" % number) for number in range(50)]), LogReader()
    list(reader.read(log.window, ended=lambda: False))
    log.kept += [Frame(1, b"2026-05-01T09:00:00.%09dZ after\n" % number) for number in range(300)]

    assert [line.text for line in reader.read(log.window, ended=lambda: False)] == ["after"] * 300


def test_a_log_whose_beginning_was_rotated_away_is_not_given_out_again() -> None:
    log, reader = Log([Frame(1, b"2026-05-01T10:00:00.%09dZ old\n" % number) for number in range(50)]), LogReader()
    list(reader.read(log.window, ended=lambda: False))
    log.kept = [Frame(1, b"2026-05-01T10:00:01.%09dZ new\n" % number) for number in range(20)]

    assert list(reader.read(log.window, ended=lambda: False)) == []
