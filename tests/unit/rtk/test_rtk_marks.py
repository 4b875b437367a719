import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.rtk import MAX_BYTES, MarkFile, Solution, read_marks, solution
from aerodag.rtk.marks import MAX_LINES

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test files are absent (AERODAG_TEST_DATA)")

LINES = [
    f"{index}\t{105977 + 2 * index}.009643\t[2430]\t   402,N\t    -0,E\t   219,V\t45.9563{9000 + index},Lat"
    f"\t96.70787946,Lon\t1798.906,Ellh\t0.017806, 0.012926, 0.022497\t52,Q"
    for index in range(7, 17)
]


def read(content: bytes) -> MarkFile:
    return read_marks(content, "flight/x_Timestamp.MRK")


def codes(file: MarkFile) -> list[str]:
    return [finding.code for finding in file.findings]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", "\0\n"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16"])
def test_line_ends_and_encodings_do_not_matter(end, encoding):
    file = read(end.join(LINES).encode(encoding))
    assert [record.index for record in file.records] == list(range(7, 17))
    assert (file.bad_lines, file.repeated_lines, file.findings) == (0, 0, ())


def test_a_damaged_line_is_counted_and_skipped():
    file = read("\n".join([*LINES[:3], LINES[3][:60], *LINES[4:]]).encode())
    assert (len(file.records), file.bad_lines) == (9, 1)
    assert codes(file) == ["rtk.mrk_bad_lines"]
    assert file.findings[0].numbers["first_bad_line"] == ascii(LINES[3][:60])


def test_a_file_that_a_power_cut_ended_keeps_its_whole_lines():
    file = read("\n".join(LINES).encode()[:-20] + b"\0" * 4096)
    assert (len(file.records), file.bad_lines) == (9, 1)


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"\r\n \t\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_blank_file_says_so(content):
    file = read(content)
    assert (file.records, codes(file)) == ((), ["rtk.mrk_empty"])
    assert file.findings[0].numbers["bytes"] == len(content)


@pytest.mark.parametrize(
    "content",
    [
        "2286 432100.000 DJI_0001_V.JPG\n2286 432102.000 DJI_0002_V.JPG\n",
        "index,lat,lon\n1,45.9,96.7\n",
        "\n".join([*LINES[:2], "x", "y", "z"]),
        LINES[0][:-1],
    ],
)
def test_an_unknown_layout_is_refused_with_counts(content):
    file = read(content.encode())
    assert (file.records, codes(file)) == ((), ["rtk.mrk_unknown_layout"])
    assert file.bad_lines == file.findings[0].numbers["bad_lines"] > 0


def test_lines_said_twice_count_once_and_a_number_used_twice_stays():
    again = LINES[0].replace("96.70787946", "96.70799999")
    file = read("\n".join([*LINES, LINES[0], again]).encode())
    assert (len(file.records), file.repeated_lines) == (11, 1)
    assert [record.index for record in file.records].count(7) == 2


@pytest.mark.parametrize("content", [b"1" * (MAX_BYTES + 1), b"1\n" * (MAX_LINES + 1)])
def test_a_huge_file_is_refused_quickly(content):
    started = time.process_time()
    assert codes(read(content)) == ["rtk.mrk_too_large"]
    assert time.process_time() - started < 5


@pytest.mark.parametrize("content", [b"1" * MAX_BYTES, b" " * MAX_BYTES, b"1 \t" * (MAX_BYTES // 3)])
def test_an_endless_line_costs_little(content):
    started = time.process_time()
    assert not read(content).records
    assert time.process_time() - started < 5


@needs_data
@pytest.mark.parametrize(
    ("path", "first", "last", "kind"),
    [
        ("autel_evo2_rtk_helenenschacht/RTK_Data/101FTASK_Timestamp.mrk", 2, 177, Solution.FIXED),
        ("mrk_excerpts/dji_p4rtk_exmouth_wk2129.MRK", 1, 8, Solution.SINGLE),
        ("mrk_excerpts/dji_p1_mongolia_wk2430.MRK", 1, 3, Solution.FIXED),
    ],
)
def test_real_files_are_read_whole(path, first, last, kind):
    file = read_marks((DATA / "rtk" / path).read_bytes(), path)
    assert [record.index for record in file.records] == list(range(first, last + 1))
    assert (file.bad_lines, file.repeated_lines, file.findings) == (0, 0, ())
    assert {solution(record.quality) for record in file.records} == {kind}
    assert all(before.captured_at < after.captured_at for before, after in pairwise(file.records))


alphabet = st.sampled_from([*"0123456789.,-+[] \t\r\n\0NEVQ", "Lat", "Lon", "Ellh", "\ufeff", "é", "\ud800"])
mangled = st.lists(alphabet, max_size=120).map("".join)


def survives(content: bytes) -> None:
    file = read(content)
    assert file.records or file.findings
    assert all(abs(record.latitude) <= 90 and abs(record.longitude) <= 180 for record in file.records)
    assert all(finding.message and finding.advice for finding in file.findings)


@pytest.mark.fuzz
@given(st.binary(max_size=400))
def test_any_bytes_give_records_or_a_finding(content):
    survives(content)


@pytest.mark.fuzz
@given(mangled, st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_any_text_of_a_mark_files_letters_gives_records_or_a_finding(text, encoding):
    survives(text.encode(encoding, "surrogatepass"))


@pytest.mark.fuzz
@given(st.lists(st.sampled_from(LINES), max_size=5), st.integers(0, 600), st.integers(0, 600), mangled)
def test_a_real_file_cut_anywhere_gives_records_or_a_finding(lines, start, length, patch):
    text = "\n".join(lines)
    survives((text[:start] + patch + text[start + length :]).encode("utf-8", "surrogatepass"))
