"""A whole upload through all rooms before the engine: what is wrong with it is known, with numbers, in seconds."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from aerodag import cli, preflight
from aerodag.pipeline.examination.inspection import inspect_upload
from aerodag.preflight import Decision, Report
from aerodag.settings import Settings
from aerodag.simulate import Position, Survey, simulate
from samples.photographs import without_xmp

Files = dict[str, bytes]
SETTINGS = Settings()


def contents(path: Path) -> Files:
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def photos(files: Files) -> list[str]:
    return sorted(name for name in files if name.endswith(".JPG"))


@pytest.fixture(scope="module")
def rtk_survey(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return contents(
        simulate(Survey(images=20, width=320, height=240), tmp_path_factory.mktemp("rtk") / "a.zip").zip_path
    )


@pytest.fixture(scope="module")
def gps_survey(tmp_path_factory: pytest.TempPathFactory) -> Files:
    survey = Survey(images=12, width=320, height=240, position=Position.GPS)
    return contents(simulate(survey, tmp_path_factory.mktemp("gps") / "a.zip").zip_path)


@pytest.fixture
def pack(tmp_path: Path) -> Callable[[Files], Path]:
    def write(files: Files) -> Path:
        with zipfile.ZipFile(tmp_path / "upload.zip", "w") as bundle:
            for name, content in files.items():
                bundle.writestr(name, content)
        return tmp_path / "upload.zip"

    return write


def codes(report: Report) -> Counter[str]:
    return Counter(finding.code for finding in report.findings)


def stripped(content: bytes) -> bytes:
    """The picture as a messenger would pass it on."""
    out = io.BytesIO()
    Image.open(io.BytesIO(content)).save(out, "JPEG")
    return out.getvalue()


def test_a_good_survey_may_go(rtk_survey: Files, pack: Callable[[Files], Path]) -> None:
    inspection = inspect_upload(pack(rtk_survey), SETTINGS)
    report = inspection.report
    assert (report.verdict.decision, report.used, report.total) == (Decision.GO, 20, 20)
    assert codes(report) == {}
    assert report.rtk is not None
    assert (report.rtk.fixed, report.rtk.unmatched_images, report.rtk.unmatched_records) == (20, 0, 0)
    assert report.coverage is not None
    assert report.coverage.forward_overlap == pytest.approx(Survey().forward_overlap, abs=0.02)
    assert report.coverage.side_overlap == pytest.approx(Survey().side_overlap, abs=0.03)
    assert set(inspection.previews) == set(photos(rtk_survey))
    assert all(Image.open(io.BytesIO(preview)).size == (160, 120) for preview in inspection.previews.values())


def test_each_fault_is_told_and_only_the_faulty_are_left_out(rtk_survey: Files, pack: Callable[[Files], Path]) -> None:
    names = photos(rtk_survey)
    faulty = dict(rtk_survey)
    faulty["copy/again.JPG"] = rtk_survey[names[0]]
    faulty[names[3]] = rtk_survey[names[3]][: len(rtk_survey[names[3]]) // 2]
    faulty["DCIM/100MEDIA/edited.JPG"] = stripped(faulty.pop(names[5]))  # a name that no mark knows
    faulty["video/DJI_0001.MP4"] = b"\0" * 2000
    faulty["odm/odm_orthophoto/odm_orthophoto.tif"] = b"II*\0" + b"\0" * 2000
    report = inspect_upload(pack(faulty), SETTINGS).report
    left_out = {photo.zip_path: (photo.status, photo.reasons) for photo in report.photos if photo.status != "assigned"}
    kept = {"copy/again.JPG", names[0]} - left_out.keys()
    assert {path: status for path, (status, _) in left_out.items()} == {
        ({"copy/again.JPG", names[0]} - kept).pop(): "duplicate",
        names[3]: "rejected",
        "DCIM/100MEDIA/edited.JPG": "invalid_exif",
    }
    assert "image.truncated" in left_out[names[3]][1]
    assert "image.no_position" in left_out["DCIM/100MEDIA/edited.JPG"][1]
    assert codes(report).keys() >= {"image.duplicate", "image.truncated", "image.no_position"}
    ignored = " ".join(finding.message for finding in report.findings if finding.code.startswith("archive."))
    assert "DJI_0001.MP4" in ignored
    assert "odm_orthophoto.tif" in ignored


def test_marks_place_images_that_lost_their_rtk_tags(rtk_survey: Files, pack: Callable[[Files], Path]) -> None:
    """Without XMP an image has plain GPS digits; the mark file gives back position and accuracy."""
    bare = {name: without_xmp(content) for name, content in rtk_survey.items()}
    report = inspect_upload(pack(bare), SETTINGS).report
    assert report.rtk is not None
    assert (report.rtk.source, report.rtk.fixed, report.rtk.unmatched_images) == ("mrk", 20, 0)
    assert report.rtk.median_horizontal_m == pytest.approx(0.014, abs=0.001)


def test_marks_of_another_flight_are_refused(
    rtk_survey: Files, gps_survey: Files, pack: Callable[[Files], Path]
) -> None:
    def moved(line: bytes) -> bytes:
        return re.sub(rb"(\d+)\.(\d+),Lat", lambda match: b"%d.%s,Lat" % (int(match[1]) + 1, match[2]), line)

    mixed = {name: moved(content) if name.endswith(".MRK") else content for name, content in rtk_survey.items()}
    report = inspect_upload(pack(mixed), SETTINGS).report
    assert codes(report)["rtk.mrk_disagrees"] == 1
    assert report.rtk is not None
    assert (report.rtk.source, report.rtk.fixed) == ("xmp", 20)
    assert report.verdict.decision is Decision.REVIEW


def test_a_file_of_positions_places_images_that_know_nothing(gps_survey: Files, pack: Callable[[Files], Path]) -> None:
    with_positions = inspect_upload(pack(gps_survey), SETTINGS).report
    lines = ["EPSG:4326"] + [
        f"{Path(photo.zip_path).name} {photo.longitude} {photo.latitude} 650 nan nan nan 0.02 0.03"
        for photo in with_positions.photos
    ]
    lost = {name: stripped(gps_survey[name]) for name in photos(gps_survey)}
    nowhere = inspect_upload(pack(lost), SETTINGS).report
    assert nowhere.verdict.decision is Decision.NO_GO
    assert {reason.code for reason in nowhere.verdict.reasons} >= {"imagery.no_gps", "imagery.too_few_usable"}
    placed = inspect_upload(pack(lost | {"geo.txt": "\n".join(lines).encode()}), SETTINGS).report
    assert placed.used == 12
    assert codes(placed)["geo.positions_used"] == 1
    assert {photo.longitude for photo in placed.photos} == {photo.longitude for photo in with_positions.photos}


def test_the_command_line_prints_reads_and_judges(
    rtk_survey: Files, pack: Callable[[Files], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = pack(rtk_survey)
    assert cli.main(["inspect", str(path), "--json", "--page", str(tmp_path / "page.html")]) == 0
    printed = capsys.readouterr().out
    assert preflight.from_json(printed).used == json.loads(printed)["images"]["assigned"] == 20
    page = (tmp_path / "page.html").read_text("utf-8")
    assert page.count("data:image/") == 20
    assert not re.search(r"(?:src|href)=[\"']?https?:", page)
    assert cli.main(["inspect", str(path)]) == 0
    assert "Nothing stands against" in capsys.readouterr().out
    useless = pack({name: stripped(rtk_survey[name]) for name in photos(rtk_survey)[:4]})
    assert cli.main(["inspect", str(useless)]) == 1
    assert cli.main(["inspect", str(tmp_path / "none.zip")]) == 1


def test_the_survey_sees_what_the_image_rows_know() -> None:
    from dataclasses import fields

    from aerodag.ledger import ImageRecord
    from aerodag.survey import Exposure

    assert {field.name for field in fields(Exposure)} <= {field.name for field in fields(ImageRecord)}
