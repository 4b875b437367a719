"""Exposure marks of whole surveys: real, simulated and generated ones."""

import os
import random
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.imagery import ImageMetadata, read_metadata
from aerodag.rtk import CameraPosition, MarkFile, MrkRecord, Shot, best_position, figures, join, read_marks
from aerodag.settings import Checks
from aerodag.simulate.simulation import simulate
from aerodag.simulate.survey import Position, Survey

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test files are absent (AERODAG_TEST_DATA)")
METRE = 1 / 111_195  # degrees of latitude
RECORD = MrkRecord(1, 2430, 1.0, 0, 0, 0, 0.0, 10.0, 300.0, 0.02, 0.02, 0.03, 50)


def shot_of(image: ImageMetadata) -> Shot:
    return Shot(
        image.name,
        image.longitude,
        image.latitude,
        image.position_source,
        image.rtk_flag,
        None if image.captured_at is None else image.captured_at.replace(tzinfo=image.captured_at.tzinfo or UTC),
        image.captured_source,
    )


def own_position(image: ImageMetadata) -> CameraPosition:
    return CameraPosition(
        longitude=image.longitude,
        latitude=image.latitude,
        altitude=image.altitude,
        std_e_m=image.std_e_m,
        std_n_m=image.std_n_m,
        std_u_m=image.std_u_m,
        flag=image.rtk_flag,
        source=image.position_source,
    )


@pytest.mark.parametrize(("position", "fixed"), [(Position.RTK, 12), (Position.GPS, 0)])
@pytest.mark.parametrize("strip_xmp", [False, True], ids=["xmp", "exif only"])
def test_a_simulated_survey_joins_whole(tmp_path, position, fixed, strip_xmp):
    made = simulate(Survey(images=12, width=320, height=240, position=position), tmp_path / "survey.zip")
    with zipfile.ZipFile(made.zip_path) as bundle:
        names = bundle.namelist()
        files = [read_marks(bundle.read(name), name) for name in names if name.endswith(".MRK")]
        images = []
        for name in names:
            if name.endswith(".JPG"):
                with bundle.open(name) as file:
                    images.append(read_metadata(file, name))
    if strip_xmp:
        images = [replace(i, position_source="exif", rtk_flag=None, std_e_m=None, std_n_m=None) for i in images]
    result = join(files, [shot_of(image) for image in images])
    assert (len(result.matches), result.unmatched_images, result.unmatched_records) == (12, (), 0)
    assert result.findings == ()
    assert result.files[0].worst_m < 0.01
    assert all(abs(match.seconds) < 0.01 for match in result.matches.values())
    found = figures([best_position(own_position(image), result.matches[image.name].record) for image in images])
    assert found.sources == {"mrk" if strip_xmp else "xmp": 12}
    assert (found.solutions["fixed"], found.has_rtk_data, found.fix_ratio) == (fixed, fixed > 0, fixed / 12)
    truth = [shot.fix.deviation for shot in made.shots]
    horizontal, vertical = [max(d.north_m, d.east_m) for d in truth], [d.up_m for d in truth]
    expected = (median(horizontal), max(horizontal), median(vertical), max(vertical))
    measured = (
        found.median_horizontal_m,
        found.worst_horizontal_m,
        found.median_vertical_m,
        found.worst_vertical_m,
    )
    assert measured == pytest.approx(expected, abs=1e-4)


@needs_data
def test_a_real_flight_whose_marks_lie_in_another_folder():
    path = "RTK_Data/101FTASK_Timestamp.mrk"
    file = read_marks((DATA / "rtk" / "autel_evo2_rtk_helenenschacht" / path).read_bytes(), path)
    images = [
        Shot(f"images/MAX_{r.index:04d}.JPG", round(r.longitude, 7), round(r.latitude, 7), "exif") for r in file.records
    ]
    result = join([file], images)
    assert (len(result.matches), result.findings) == (176, ())
    assert 0 < result.files[0].worst_m < 0.01
    found = figures([best_position(CameraPosition(), match.record) for match in result.matches.values()])
    assert (found.fix_ratio, found.has_rtk_data) == (1.0, True)
    assert found.median_horizontal_m == pytest.approx(0.0138, abs=0.0001)
    assert found.worst_vertical_m == pytest.approx(0.030, abs=0.002)
    late = [replace(s, zip_path=f"images/MAX_{number:04d}.JPG") for number, s in enumerate(images, start=1)]
    refused = join([file], late)
    assert (refused.matches, [finding.code for finding in refused.findings]) == ({}, ["rtk.mrk_disagrees"])


@needs_data
def test_figures_of_real_images_with_rtk_in_their_xmp():
    images = []
    for path in sorted((DATA / "mapping" / "p4m_rtk_mirafiori" / "images").glob("*.JPG")):
        with path.open("rb") as file:
            images.append(read_metadata(file, path.name))
    found = figures([best_position(own_position(image), None) for image in images])
    assert (found.images, found.fix_ratio, found.has_rtk_data) == (24, 1.0, True)
    assert 0.005 < found.median_horizontal_m < found.worst_vertical_m < 0.1


@st.composite
def surveys(draw: st.DrawFn) -> tuple[list[MarkFile], list[Shot]]:
    """Flights and images that fit them, more or less: shifted, misnumbered, stripped, doubled, in any folder."""
    files, images = [], []
    for number in range(draw(st.integers(1, 3))):
        first, count = draw(st.integers(1, 4)), draw(st.integers(1, 12))
        base, quality = draw(st.sampled_from([0.0, 5.0, 500.0])), draw(st.sampled_from([0, 16, 34, 50]))
        folder = draw(st.sampled_from(["A", "B", "B/c", ""]))
        records = tuple(
            replace(RECORD, index=first + i, seconds_of_week=1000.0 * number + 2 * i, quality=quality,
                    latitude=(base + 7 * i) * METRE)
            for i in range(count)
        )  # fmt: skip
        files.append(MarkFile(f"{draw(st.sampled_from(['A', 'B', 'rtk']))}/{number}.MRK", records))
        north = draw(st.sampled_from([0.0, 0.0, 0.5, 2.0, 7.0, 40.0]))
        source, flag = draw(st.sampled_from([("xmp", 50), ("xmp", 16), ("exif", None), (None, None)]))
        clock = draw(st.sampled_from([None, "exif", "exif_local"]))
        step = draw(st.sampled_from([0, 0, 0, 1, -1]))
        for record in draw(st.lists(st.sampled_from(records), max_size=14, unique=True)):
            noise = draw(st.sampled_from([0.0, 0.0, 0.0, 0.3, 3.0]))
            name = draw(
                st.sampled_from(["DJI_{:04d}.JPG", "DJI_{:04d}_T.JPG", "1_{:04d}.JPG", "DJI_20260101101010_{:04d}.JPG"])
            )
            images.append(
                Shot(
                    f"{folder}/{name.format(max(0, record.index + step))}".lstrip("/"),
                    record.longitude if source else None,
                    record.latitude + (north + noise) * METRE if source else None,
                    source,
                    flag,
                    record.captured_at if clock else None,
                    clock,
                )
            )
    return files, list({image.zip_path: image for image in images}.values())


@pytest.mark.fuzz
@given(surveys(), st.integers())
def test_every_join_is_within_bounds_used_once_and_whatever_the_order(survey, seed):
    files, images = survey
    result, checks = join(files, images), Checks()
    by_path = {image.zip_path: image for image in images}
    assert set(result.matches) | set(result.unmatched_images) == set(by_path)
    assert not set(result.matches) & set(result.unmatched_images)
    for path, match in result.matches.items():
        image = by_path[path]
        assert Path(path).stem.removesuffix("_T").endswith(f"{match.record.index:04d}")
        if image.latitude is not None and match.record.has_position:
            apart = abs(image.latitude - match.record.latitude) / METRE
            is_rtk = image.position_source == "xmp" and image.rtk_flag == 50 and match.record.quality in {34, 50}
            allowed = checks.mark_distance_m if is_rtk else checks.mark_distance_gps_m + checks.mark_shift_m
            assert apart <= allowed * 1.001
            assert match.distance_m == pytest.approx(apart, abs=0.01)
    used = [(m.mark_file, m.record, path.endswith("_T.JPG")) for path, m in result.matches.items()]
    assert len(used) == len(set(used))
    shuffled_files, shuffled_images = list(files), list(images)
    random.Random(seed).shuffle(shuffled_files)
    random.Random(seed).shuffle(shuffled_images)
    assert join(shuffled_files, shuffled_images) == result


TEXT = st.text(alphabet="DJIMAX_0123456789/.abÄ\ud800 ", max_size=40)
NUMBER = st.one_of(st.none(), st.floats(-200, 200), st.just(float("nan")), st.just(float("inf")))


SHOT = st.builds(Shot, TEXT, NUMBER, NUMBER, st.sampled_from([None, "xmp", "exif"]), st.sampled_from([None, 0, 50]))


@pytest.mark.fuzz
@given(st.lists(SHOT, max_size=6, unique_by=lambda shot: shot.zip_path))
def test_odd_names_and_positions_never_break_the_join(images):
    at = datetime(2026, 8, 3, tzinfo=UTC)
    file = MarkFile("1.MRK", tuple(replace(RECORD, index=index) for index in range(10)))
    result = join([file], [replace(image, captured_at=at) for image in images])
    assert len(result.matches) + len(result.unmatched_images) == len(images)
