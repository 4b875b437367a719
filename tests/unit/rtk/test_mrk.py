from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import DataError
from aerodag.rtk.mrk import MAX_LINE, MrkRecord, format_record, gps_to_utc, parse_record, utc_to_gps

# Lines of real flights: DJI Phantom 4 RTK (no correction), DJI Zenmuse P1, Autel EVO II RTK.
PHANTOM = (
    "1\t268619.354051\t[2129]\t    24,N\t     9,E\t   193,V\t-21.97273819,Lat\t113.93433129,Lon\t91.071,Ellh"
    "\t1.056360, 1.085926, 3.245131\t16,Q"
)
P1 = (
    "3\t105980.354366\t[2430]\t  -413,N\t  -580,E\t  -232,V\t45.95639312,Lat\t96.70795799,Lon\t1797.309,Ellh"
    "\t0.017817, 0.013012, 0.022833\t52,Q"
)
AUTEL = (
    "2\t296288.242869\t[2211]\t     3,N\t     0,E\t    75,V\t47.6436873208,Lat\t16.4759271684,Lon\t512.998,Ellh"
    "\t0.014391, 0.013698, 0.029694\t50,Q"
)


@pytest.mark.parametrize(("line", "decimals"), [(PHANTOM, 8), (P1, 8), (AUTEL, 10)])
def test_real_lines_survive_the_round_trip(line, decimals):
    assert format_record(parse_record(line), decimals) == line
    assert format_record(parse_record(line + "\r\n"), decimals) == line


def test_columns_mean_what_the_manual_says():
    record = parse_record(P1)
    assert (record.index, record.week, record.quality) == (3, 2430, 52)
    assert (record.offset_n_mm, record.offset_e_mm, record.offset_v_mm) == (-413, -580, -232)
    assert (record.latitude, record.longitude, record.height_m) == (45.95639312, 96.70795799, 1797.309)
    assert (record.std_n_m, record.std_e_m, record.std_v_m) == (0.017817, 0.013012, 0.022833)
    assert record.captured_at == datetime(2026, 8, 3, 5, 26, 2, 354366, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        P1.replace("\t", " "),
        P1.replace("\t", " \t "),
        P1.replace(",", " ,\t"),
        P1.replace("[2430]", "[ 2430\t]"),
        f"  {P1}\t\r\n",
    ],
)
def test_tabs_and_blanks_are_the_same(line):
    assert parse_record(line) == parse_record(P1)


def test_minus_zero_is_zero():
    assert parse_record(AUTEL.replace("     0,E", "    -0,E")) == parse_record(AUTEL)


@pytest.mark.parametrize(("right", "wrong"), [("52,Q", "0,Q"), ("45.95639312", "0.00000000")])
def test_a_receiver_without_solution_has_no_position(right, wrong):
    record = parse_record(P1.replace(right, wrong).replace("96.70795799", "0.00000000"))
    assert parse_record(P1).has_position
    assert not record.has_position


records = st.builds(
    MrkRecord,
    index=st.integers(0, 99_999),
    week=st.integers(0, 5_000),
    seconds_of_week=st.integers(0, 604_799_999_999).map(lambda n: n / 1e6),
    offset_n_mm=st.integers(-9_999, 99_999),
    offset_e_mm=st.integers(-9_999, 99_999),
    offset_v_mm=st.integers(-9_999, 99_999),
    latitude=st.integers(-90 * 10**8, 90 * 10**8).map(lambda n: n / 1e8),
    longitude=st.integers(-180 * 10**8, 180 * 10**8).map(lambda n: n / 1e8),
    height_m=st.integers(-400_000, 9_000_000).map(lambda n: n / 1e3),
    std_n_m=st.integers(0, 99_000_000).map(lambda n: n / 1e6),
    std_e_m=st.integers(0, 99_000_000).map(lambda n: n / 1e6),
    std_v_m=st.integers(0, 99_000_000).map(lambda n: n / 1e6),
    quality=st.integers(0, 99),
)


blanks = st.text(" \t", min_size=1, max_size=3)


@pytest.mark.fuzz
@given(records, st.lists(blanks, min_size=10, max_size=10), st.sampled_from(["", "\n", "\r\n"]))
def test_every_record_can_be_read_again_whatever_parts_its_groups(record, gaps, end):
    groups = format_record(record).split("\t")
    line = groups[0] + "".join(gap + group for gap, group in zip(gaps, groups[1:], strict=True))
    assert parse_record(line + end) == record


@pytest.mark.fuzz
@given(records)
def test_every_record_can_be_read_again(record):
    assert parse_record(format_record(record)) == record


@pytest.mark.fuzz
@given(st.text(max_size=200))
def test_other_text_is_refused_and_never_breaks_the_parser(text):
    with pytest.raises(DataError) as refusal:
        parse_record(text)
    assert refusal.value.code == "rtk.mrk_line"


@pytest.mark.parametrize(
    "line",
    [
        P1.replace("\t", ""),
        P1.replace("\t", "\t" * (MAX_LINE // 10)),
        P1.replace("[2430]", "2430"),
        P1.replace("52,Q", ""),
        P1.replace("1797.309", "nan"),
        P1.rsplit("\t", 2)[0],
        "2286 432100.000 DJI_0001_V.JPG",
    ],
)
def test_unknown_layouts_are_refused_instead_of_guessed(line):
    with pytest.raises(DataError, match="no exposure mark"):
        parse_record(line)


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        ("45.95639312", "145.95639312", "latitude"),
        ("96.70795799", "-180.1", "longitude"),
        ("105980.354366", "604801.0", "seconds of week"),
        ("0.013012", "-0.013012", "standard deviation"),
    ],
)
def test_impossible_figures_are_named(right, wrong, named):
    with pytest.raises(DataError, match=named) as refusal:
        parse_record(P1.replace(right, wrong))
    assert refusal.value.code == "rtk.mrk_value"


@pytest.mark.parametrize(
    ("week", "seconds", "utc"),
    [
        (0, 0.0, datetime(1980, 1, 6, tzinfo=UTC)),
        (1042, 518412.0, datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (1930, 16.0, datetime(2017, 1, 1, 0, 0, 0, tzinfo=UTC) - timedelta(seconds=1)),
        (1930, 18.0, datetime(2017, 1, 1, tzinfo=UTC)),
        (2404, 282401.669089, datetime(2026, 2, 4, 6, 26, 23, 669089, tzinfo=UTC)),
    ],
)
def test_gps_time_is_ahead_of_utc_by_the_leap_seconds_of_its_day(week, seconds, utc):
    assert gps_to_utc(week, seconds) == utc
    assert utc_to_gps(utc) == (week, seconds)


@given(st.datetimes(datetime(1980, 1, 6), datetime(2080, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_utc_survives_gps_time(instant):
    assert gps_to_utc(*utc_to_gps(instant)) == instant
