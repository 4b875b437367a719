from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from aerodag.rtk import MarkFile, MrkRecord, Shot, join

METRE = 1 / 111_195  # degrees of latitude


def flight(first: int = 1, count: int = 40, *, west: float = 0.0, seconds: float = 268_600.0) -> list[MrkRecord]:
    """Lines of ten exposures 8 m apart, flown to and fro near the equator, ``west`` metres from the others."""
    records = []
    for i in range(count):
        line, step = divmod(i, 10)
        north = step if line % 2 == 0 else 9 - step
        records.append(
            MrkRecord(
                index=first + i,
                week=2430,
                seconds_of_week=round(seconds + 2.5 * i + 6 * line, 6),
                offset_n_mm=0,
                offset_e_mm=0,
                offset_v_mm=90,
                latitude=0.5 + 8 * north * METRE,
                longitude=10 + (12 * line - west) * METRE,
                height_m=300.0,
                std_n_m=0.014,
                std_e_m=0.013,
                std_v_m=0.03,
                quality=50,
            )
        )
    return records


def marks(records: list[MrkRecord], name: str = "A/100_0001_Timestamp.MRK") -> MarkFile:
    return MarkFile(name, tuple(records))


def rtk(path: str, record: MrkRecord) -> Shot:
    """An image whose XMP says what the mark says, to the millimetre."""
    at = record.captured_at.replace(microsecond=0)
    return Shot(path, record.longitude, record.latitude + 0.003 * METRE, "xmp", record.quality, at, "exif")


def plain(path: str, record: MrkRecord) -> Shot:
    """An image that knows a single-point position, 2 m north and 1 m east of the truth, and its local time."""
    shot = rtk(path, record)
    at = record.captured_at + timedelta(hours=8, seconds=1.4)
    longitude, latitude = record.longitude + METRE, record.latitude + 2 * METRE
    return replace(
        shot,
        longitude=longitude,
        latitude=latitude,
        position_source="exif",
        rtk_flag=None,
        captured_at=at,
        captured_source="exif_local",
    )


def blind(path: str, record: MrkRecord) -> Shot:
    """An image that lost its position and kept its time."""
    return replace(plain(path, record), longitude=None, latitude=None, position_source=None)


def codes(findings) -> list[str]:
    return [finding.code for finding in findings]


def shots(
    records: list[MrkRecord], name: str = "A/100_0001_{:04d}.JPG", make: Callable[[str, MrkRecord], Shot] = rtk
) -> list[Shot]:
    return [make(name.format(record.index), record) for record in records]


@pytest.mark.parametrize("make", [rtk, plain, blind])
@pytest.mark.parametrize(
    "name",
    [
        "A/100_0001_{:04d}.JPG",
        "A/DJI_20260803132556_{:04d}.JPG",
        "A/DJI_20260803132556_{:04d}_D.JPG",
        "A/DJI_20260803132556_{:04d}_MS_G.TIF",
        "images/MAX_{:04d}.JPG",
        "images/dji_{}_w.jpeg",
        "MAX_{:04d}.JPG",
    ],
)
def test_images_find_their_marks_whatever_the_dialect(name, make):
    records = flight(first=2)
    result = join([marks(records)], shots(records, name, make))
    assert {path: match.record for path, match in result.matches.items()} == {name.format(r.index): r for r in records}
    assert (result.unmatched_images, result.unmatched_records, result.findings) == ((), 0, ())
    (file,) = result.files
    assert (file.records, file.matched, file.refused) == (40, 40, False)


def test_both_sides_may_have_more():
    records = flight()
    result = join([marks(records[10:])], [*shots(records[:35]), Shot("A/readme.jpg")])
    assert set(result.matches) == {f"A/100_0001_{i:04d}.JPG" for i in range(11, 36)}
    assert len(result.unmatched_images) == 11
    assert result.files[0].unmatched_records == (36, 37, 38, 39, 40)
    assert codes(result.findings) == ["rtk.images_without_mark"]
    assert result.findings[0].numbers["count"] == 11


def test_lenses_bands_and_raw_files_share_one_mark():
    records = flight(count=10)
    images = [
        rtk(f"A/DJI_20260803132556_{record.index:04d}{end}", record)
        for record in records
        for end in ("_W.JPG", "_T.JPG", "_MS_G.TIF", "_MS_NIR.TIF", "_D.DNG", "_D.JPG")
    ]
    result = join([marks(records)], images)
    assert (len(result.matches), result.files[0].matched) == (60, 10)


def test_flights_with_restarted_numbers_keep_to_their_folders():
    one, two = flight(), flight(west=4000, seconds=271_000)
    images = [*shots(one), *shots(two, "B/100_0001_{:04d}.JPG")]
    result = join([marks(one), marks(two, "B/100_0001_Timestamp.MRK")], images)
    assert len(result.matches) == 80
    assert {match.mark_file[0] + path[0] for path, match in result.matches.items()} == {"AA", "BB"}


@pytest.mark.parametrize(
    "name", ["all/100_000{flight}_{index:04d}.JPG", "all/DJI_202608031{flight}2556_{index:04d}_D.JPG"]
)
def test_flights_with_restarted_numbers_in_one_folder_are_told_apart(name):
    flights = {1: flight(), 2: flight(first=1, count=30, west=15, seconds=271_000), 3: flight(first=5, west=900)}
    images = [
        rtk(name.format(flight=number, index=record.index), record) for number, f in flights.items() for record in f
    ]
    files = [marks(records, f"all/{number}_Timestamp.MRK") for number, records in flights.items()]
    result = join(files, images)
    assert len(result.matches) == 110
    assert result.findings == ()
    expected = {image.zip_path: image.longitude for image in images}
    assert {path: match.record.longitude for path, match in result.matches.items()} == expected
    assert all(match.distance_m < 0.01 for match in result.matches.values())


def test_strips_in_folders_of_their_own_share_the_marks_of_the_flight():
    records = flight()
    images = [rtk(f"P1/strip{i // 10}/DJI_20260803132556_{r.index:04d}.JPG", r) for i, r in enumerate(records)]
    for place in ("P1", "P1/strip2", "RTK"):
        result = join([marks(records, f"{place}/x_Timestamp.MRK")], images)
        assert len(result.matches) == 40
        assert result.files[0].unmatched_records == ()


def test_copies_of_a_file_are_one_file():
    records = flight()
    result = join([marks(records), marks(records, "copy/100_0001_Timestamp.MRK")], shots(records))
    assert [file.copy_of for file in result.files] == [None, "A/100_0001_Timestamp.MRK"]
    assert (len(result.matches), result.unmatched_records) == (40, 0)


@pytest.mark.parametrize("make", [rtk, plain])
@pytest.mark.parametrize("step", [-2, -1, 1, 2, 5])
@pytest.mark.parametrize("count", [10, 40])
def test_a_wrong_count_is_refused_with_numbers(make, step, count):
    records = flight(first=10, count=count)
    images = [make(f"A/100_0001_{record.index + step:04d}.JPG", record) for record in records]
    result = join([marks(records)], images)
    assert result.matches == {}
    assert result.files[0].refused
    (finding,) = result.findings
    assert finding.code == "rtk.mrk_disagrees"
    assert finding.numbers["disagreeing"] > 0.05 * finding.numbers["checked"]
    assert finding.numbers["worst_m"] >= finding.numbers["median_m"] > 2


def test_the_marks_of_another_flight_are_refused():
    result = join([marks(flight(west=300))], shots(flight()))
    assert (result.matches, codes(result.findings)) == ({}, ["rtk.mrk_disagrees"])
    assert result.findings[0].numbers["median_m"] == pytest.approx(300, rel=0.01)


@pytest.mark.parametrize(("strays", "kept"), [(2, 38), (3, 0)])
def test_few_strays_go_without_and_many_refuse_the_file(strays, kept):
    records = flight()
    images = shots(records)
    for i in range(strays):
        images[5 * i] = replace(images[5 * i], latitude=images[5 * i].latitude + 2 * METRE)
    result = join([marks(records)], images)
    assert len(result.matches) == kept
    assert "rtk.mrk_strays" in codes(result.findings) if kept else codes(result.findings) == ["rtk.mrk_disagrees"]


def test_rtk_positions_are_held_to_a_metre_and_plain_ones_to_a_shift_and_metres():
    records = flight()
    near = [replace(shot, latitude=shot.latitude + 0.9 * METRE) for shot in shots(records)]
    apart = [replace(shot, latitude=shot.latitude + 1.1 * METRE) for shot in shots(records)]
    assert len(join([marks(records)], near).matches) == 40
    assert join([marks(records)], apart).matches == {}
    shifted = [replace(shot, latitude=shot.latitude + 5 * METRE) for shot in shots(records, make=plain)]
    far = [replace(shot, latitude=shot.latitude + 9 * METRE) for shot in shots(records, make=plain)]
    assert len(join([marks(records)], shifted).matches) == 40
    assert join([marks(records)], far).matches == {}


@pytest.mark.parametrize("offset_s", [0, 2 * 3600, -5 * 3600 + 7])
def test_a_local_clock_alone_can_tell_right_from_wrong(offset_s):
    records = flight()
    slower = [replace(r, seconds_of_week=r.seconds_of_week + 3.1 * i) for i, r in enumerate(records)]
    images = [
        replace(shot, captured_at=shot.captured_at + timedelta(seconds=offset_s)) for shot in shots(records, make=blind)
    ]
    assert len(join([marks(records)], images).matches) == 40
    assert codes(join([marks(slower)], images).findings) == ["rtk.mrk_disagrees"]


def test_without_place_and_time_nothing_is_believed():
    records = flight()
    images = [replace(shot, captured_at=None) for shot in shots(records, make=blind)]
    result = join([marks(records)], images)
    assert (result.matches, codes(result.findings)) == ({}, ["rtk.mrk_unverified"])
    assert result.files[0].refused


def test_an_image_without_position_follows_the_others_of_its_flight():
    records = flight()
    images = shots(records)
    images[3] = replace(images[3], longitude=None, latitude=None, captured_at=None)
    images[9] = replace(images[9], longitude=None, latitude=None)
    images[20] = replace(images[20], longitude=None, latitude=None, captured_at=records[30].captured_at)
    result = join([marks(records)], images)
    assert result.unmatched_images == (images[20].zip_path,)
    assert result.matches[images[3].zip_path].distance_m is None
    assert codes(result.findings) == ["rtk.mrk_strays", "rtk.images_without_mark"]


def test_the_same_waypoints_flown_twice_are_told_apart_by_distance():
    one = flight()
    two = [replace(r, latitude=r.latitude + 0.4 * METRE, seconds_of_week=r.seconds_of_week + 3000) for r in one]
    files = [marks(one, "RTK/1.MRK"), marks(two, "RTK/2.MRK")]
    result = join(files, [*shots(one, "I/DJI_{:04d}.JPG"), *shots(two, "J/DJI_{:04d}.JPG")])
    assert {(path[0], match.mark_file) for path, match in result.matches.items()} == {
        ("I", "RTK/1.MRK"),
        ("J", "RTK/2.MRK"),
    }


def test_files_that_fit_equally_well_are_not_guessed():
    one = flight()
    two = [replace(record, height_m=record.height_m + 1) for record in one]
    result = join([marks(one, "RTK/1.MRK"), marks(two, "RTK/2.MRK")], shots(one, "I/DJI_{:04d}.JPG"))
    assert result.matches == {}
    assert codes(result.findings) == ["rtk.mrk_ambiguous"]
    assert all(file.refused for file in result.files)


def test_of_one_number_said_twice_the_nearer_mark_is_taken():
    records = flight()
    again = [replace(record, latitude=record.latitude + 50 * METRE) for record in records]
    result = join([marks(again + records)], shots(records))
    assert [match.record for match in result.matches.values()] == records
    assert result.unmatched_records == 40


def test_two_images_of_one_kind_never_share_a_mark():
    records = flight()
    result = join([marks(records)], [*shots(records), *shots(records, "copy/100_0001_{:04d}.JPG")])
    assert set(result.matches) == {shot.zip_path for shot in shots(records)}


def test_a_receiver_without_solution_verifies_nothing():
    records = [replace(record, quality=0, latitude=0.0, longitude=0.0) for record in flight()]
    images = [replace(shot, captured_at=None) for shot in shots(flight())]
    assert codes(join([marks(records)], images).findings) == ["rtk.mrk_unverified"]


def test_files_without_images_and_images_without_files():
    assert codes(join([marks(flight(first=500))], shots(flight())).findings) == ["rtk.mrk_no_images"]
    nothing = join([], shots(flight()))
    assert (nothing.matches, nothing.findings, len(nothing.unmatched_images)) == ({}, (), 40)
    assert join([MarkFile("x.MRK", ())], []).files == ()


def test_a_wrong_camera_clock_is_told_and_harms_nothing():
    records = flight()
    images = [replace(shot, captured_at=shot.captured_at + timedelta(hours=1)) for shot in shots(records)]
    result = join([marks(records)], images)
    assert (len(result.matches), codes(result.findings)) == (40, ["rtk.clock"])
    assert result.findings[0].numbers["seconds"] == pytest.approx(3600, abs=1)


def test_the_antimeridian_is_no_border():
    records = [replace(record, longitude=179.9999999) for record in flight()]
    images = [replace(shot, longitude=-179.9999999) for shot in shots(records)]
    assert len(join([marks(records)], images).matches) == 40
