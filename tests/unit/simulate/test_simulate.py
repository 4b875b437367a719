import itertools
import json
import math
import shutil
import subprocess
import zipfile
from datetime import UTC, datetime
from fractions import Fraction

import cv2  # noqa: TID253 (an independent projection and resampling for the checks)
import numpy as np
import pyproj
import pytest
import rasterio
from defusedxml import ElementTree
from PIL import ExifTags, Image

from aerodag.errors import ConfigError
from aerodag.rtk.mrk import parse_record
from aerodag.simulate import Position, Survey, simulate

TINY = {"images": 4, "width": 320, "height": 240}
DJI = "{http://www.dji.com/drone-dji/1.0/}"


@pytest.fixture(scope="module")
def flight(tmp_path_factory):
    return simulate(Survey(images=6, width=800, height=600, seed=3), tmp_path_factory.mktemp("flight") / "survey.zip")


@pytest.fixture(scope="module")
def truth(flight):
    return json.loads(flight.cameras.read_text())


def photographs(flight):
    with zipfile.ZipFile(flight.zip_path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".JPG"):
                with archive.open(name) as file:
                    image = Image.open(file)
                    image.load()
                    yield name, image


def xmp_of(image):
    packet = image.info["xmp"].decode()
    document = ElementTree.fromstring(packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")])
    description = document.find(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    return {name.removeprefix(DJI): value for name, value in description.attrib.items() if name.startswith(DJI)}


def gps_of(image):
    gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)

    def degrees(value, reference):
        d, m, s = (Fraction(part.numerator, part.denominator) for part in value)
        return float(d + m / 60 + s / 3600) * (-1 if reference in "SW" else 1)

    tag = ExifTags.GPS
    return (
        degrees(gps[tag.GPSLongitude], gps[tag.GPSLongitudeRef]),
        degrees(gps[tag.GPSLatitude], gps[tag.GPSLatitudeRef]),
        float(gps[tag.GPSAltitude]),
    )


def test_zip_looks_like_a_card_from_a_drone(flight):
    with zipfile.ZipFile(flight.zip_path) as archive:
        assert archive.testzip() is None
        entries = archive.infolist()
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert entries[0].filename == "DCIM/100MEDIA/DJI_20260601101500_0001_D.JPG"
    assert entries[-1].filename == "DCIM/100MEDIA/DJI_202606011015_001_Timestamp.MRK"
    assert [entry.filename[-10:-6] for entry in entries[:-1]] == [f"{n:04d}" for n in range(1, 7)]
    assert [p.name for p in flight.zip_path.parent.iterdir() if p.is_file()] == ["survey.zip"]


def test_equal_surveys_give_equal_bytes_and_other_seeds_other_ones(tmp_path):
    made = [simulate(Survey(seed=seed, **TINY), tmp_path / f"{n}.zip") for n, seed in enumerate((5, 5, 6))]
    first, again, other = (result.zip_path.read_bytes() for result in made)
    assert first == again
    assert first != other
    assert made[0].truth_ortho.read_bytes() == made[1].truth_ortho.read_bytes()
    assert made[0].truth_ortho.read_bytes() != made[2].truth_ortho.read_bytes()


def test_exif_and_xmp_agree_with_each_other_and_with_the_truth(flight, truth):
    to_utm = pyproj.Transformer.from_crs(4326, truth["crs"], always_xy=True)
    for (name, image), camera in zip(photographs(flight), truth["images"], strict=True):
        assert name.endswith(camera["name"])
        assert image.size == (800, 600)
        xmp, (longitude, latitude, altitude) = xmp_of(image), gps_of(image)
        assert longitude == pytest.approx(float(xmp["GpsLongitude"]), abs=1e-9)
        assert latitude == pytest.approx(float(xmp["GpsLatitude"]), abs=1e-9)
        assert altitude == pytest.approx(float(xmp["AbsoluteAltitude"]), abs=1e-3)
        assert longitude == pytest.approx(camera["measured"]["longitude"], abs=1e-9)
        error = np.array([*to_utm.transform(longitude, latitude), altitude]) - camera["centre"]
        deviation = [float(xmp[f"RtkStd{axis}"]) for axis in ("Lon", "Lat", "Hgt")]
        assert (abs(error) < 4.5 * np.array(deviation)).all()
        assert (abs(error) > 0).any()
        assert xmp["RtkFlag"] == "50"


def test_capture_time_is_the_same_in_name_exif_and_xmp(flight, truth):
    for (name, image), camera in zip(photographs(flight), truth["images"], strict=True):
        exif, base = image.getexif().get_ifd(ExifTags.IFD.Exif), ExifTags.Base
        stamp = f"{exif[base.DateTimeOriginal]}.{exif[base.SubsecTimeOriginal]}{exif[base.OffsetTimeOriginal]}"
        local = datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S.%f%z")
        exact = datetime.fromisoformat(xmp_of(image)["UTCAtExposure"]).replace(tzinfo=UTC)
        assert exact == datetime.fromisoformat(camera["captured_at"])
        assert 0 <= (exact - local).total_seconds() < 1e-3
        assert f"DJI_{local:%Y%m%d%H%M%S}_" in name


def test_focal_length_is_told_three_times_the_same(flight, truth):
    for _, image in photographs(flight):
        exif, base = image.getexif().get_ifd(ExifTags.IFD.Exif), ExifTags.Base
        by_diagonal = exif[base.FocalLengthIn35mmFilm] * math.hypot(*image.size) / math.hypot(36, 24)
        assert by_diagonal == pytest.approx(truth["camera"]["focal"], rel=1e-9)
        assert float(xmp_of(image)["CalibratedFocalLength"]) == pytest.approx(truth["camera"]["focal"], abs=1e-5)
        assert float(exif[base.FocalLength]) == pytest.approx(32 * 21.64 / 43.2666, abs=1e-3)


def test_exposure_marks_belong_to_the_images(flight, truth):
    with zipfile.ZipFile(flight.zip_path) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".MRK"))
        marks = [parse_record(line) for line in archive.read(name).decode().splitlines()]
    assert [mark.index for mark in marks] == list(range(1, 7))
    for mark, camera in zip(marks, truth["images"], strict=True):
        assert mark.captured_at == datetime.fromisoformat(camera["captured_at"])
        assert mark.latitude == pytest.approx(camera["measured"]["latitude"], abs=1e-8)
        assert mark.longitude == pytest.approx(camera["measured"]["longitude"], abs=1e-8)
        assert mark.height_m == pytest.approx(camera["measured"]["height"], abs=1e-3)
        assert (mark.std_n_m, mark.std_e_m, mark.std_v_m) == pytest.approx(camera["measured"]["std_n_e_u"], abs=1e-6)
        assert mark.quality == 50


def test_yaw_in_xmp_counts_from_true_north(flight, truth):
    to_degrees = pyproj.Transformer.from_crs(truth["crs"], 4326, always_xy=True)
    for (_, image), camera in zip(photographs(flight), truth["images"], strict=True):
        east, north, _ = camera["centre"]
        up_in_image = -np.array(camera["rotation_camera_from_world"])[1]
        ahead = to_degrees.transform(east + up_in_image[0], north + up_in_image[1])
        azimuth, _, _ = pyproj.Geod(ellps="WGS84").inv(*to_degrees.transform(east, north), *ahead)
        difference = (azimuth - float(xmp_of(image)["GimbalYawDegree"]) + 180) % 360 - 180
        assert abs(difference) < 0.2


def test_ground_sampling_distance_is_height_over_focal_length(flight, truth):
    assert truth["ground_sampling_distance"] == pytest.approx(40.0 / truth["camera"]["focal"])
    with rasterio.open(flight.truth_heights) as heights:
        ground = np.percentile(heights.read(1), 25)
    above = [camera["centre"][2] - ground for camera in truth["images"]]
    assert np.allclose(above, 40.0, atol=2.5)


def test_truth_rasters_share_one_grid_below_the_cameras(flight, truth):
    with rasterio.open(flight.truth_ortho) as ortho, rasterio.open(flight.truth_heights) as heights:
        assert (ortho.crs, ortho.transform, ortho.shape) == (heights.crs, heights.transform, heights.shape)
        assert ortho.crs.to_string() == truth["crs"] == "EPSG:32632"
        assert (ortho.count, ortho.dtypes[0], heights.dtypes[0]) == (3, "uint8", "float32")
        assert ortho.res[0] <= truth["ground_sampling_distance"]
        for camera in truth["images"]:
            east, north, _ = camera["centre"]
            assert ortho.bounds.left < east < ortho.bounds.right
            assert ortho.bounds.bottom < north < ortho.bounds.top
        relief = heights.read(1)
    assert np.isfinite(relief).all()
    assert 5.0 < relief.max() - relief.min() < 25.0


def project(camera, pose, points):
    """Pixels of world points by OpenCV, an implementation of the camera model that is not ours."""
    rotation = np.array(pose["rotation_camera_from_world"])
    matrix = np.array(
        [
            [camera["focal"], 0, camera["principal_point"][0]],
            [0, camera["focal"], camera["principal_point"][1]],
            [0, 0, 1],
        ]
    )
    offset = points - np.array(pose["centre"])
    lens = np.array([camera["k1"], camera["k2"], 0.0, 0.0])
    pixels, _ = cv2.projectPoints(offset, cv2.Rodrigues(rotation)[0], np.zeros(3), matrix, lens)
    return pixels[:, 0]


def test_images_show_the_true_land_where_the_true_cameras_see_it(flight, truth):
    """Level patches of the true orthophoto, fetched back from the images, match best without any shift."""
    with rasterio.open(flight.truth_ortho) as file, rasterio.open(flight.truth_heights) as relief:
        ortho, heights = file.read().mean(axis=0).astype(np.float32), relief.read(1)
        bounds, cell = file.bounds, file.res[0]
    found = []
    for (_, image), pose in zip(photographs(flight), truth["images"], strict=True):
        grey = np.asarray(image).mean(axis=2).astype(np.float32)
        below = (bounds.top - pose["centre"][1]) / cell, (pose["centre"][0] - bounds.left) / cell
        for down, right in itertools.product((-140, -70, 0, 70, 140), (-210, -140, -70, 0, 70, 140, 210)):
            row, col = int(below[0]) + down, int(below[1]) + right
            found.append(_shift(ortho, heights, grey, (bounds, cell), truth["camera"], pose, row, col))
    shifts = np.array([shift for shift in found if shift is not None])
    assert len(shifts) >= 20
    assert np.abs(np.median(shifts, axis=0)).max() < 0.05
    assert np.percentile(np.hypot(*shifts.T), 90) < 0.25


def _shift(ortho, heights, grey, grid, camera, pose, row, col, size=48, search=4):
    """By how many cells a level patch is found away from where it should be; None where the ground is uneven."""
    wide = np.s_[row - search : row + size + search, col - search : col + size + search]
    rows, cols = np.mgrid[wide]
    if np.ptp(heights[wide]) > 0.6 or ortho[wide].std() < 6:
        return None
    bounds, cell = grid
    east, north = bounds.left + (cols.ravel() + 0.5) * cell, bounds.top - (rows.ravel() + 0.5) * cell
    pixels = project(camera, pose, np.column_stack([east, north, heights[wide].ravel()])).astype(np.float32) - 0.5
    if pixels.min() < 0 or (pixels.max(axis=0) > np.array(grey.shape[::-1]) - 1).any():
        return None
    seen = cv2.remap(grey, *(pixels[:, i].reshape(rows.shape) for i in (0, 1)), cv2.INTER_LINEAR)
    match = cv2.matchTemplate(seen, ortho[row : row + size, col : col + size], cv2.TM_CCOEFF_NORMED)
    _, score, _, (x, y) = cv2.minMaxLoc(match)
    assert score > 0.75
    return _peak(match, x, y, search)


def _peak(match, x, y, search):
    """Position of the maximum to a fraction of a cell, by a parabola in each direction."""

    def fine(before, at, after):
        return 0.5 * (before - after) / (before - 2 * at + after)

    assert 0 < x < match.shape[1] - 1, "the best match lies at the edge of the search"
    assert 0 < y < match.shape[0] - 1, "the best match lies at the edge of the search"
    dx = fine(*match[y, x - 1 : x + 2])
    dy = fine(*match[y - 1 : y + 2, x])
    return x + dx - search, y + dy - search


def test_gps_without_correction_says_so(tmp_path):
    flight = simulate(Survey(position=Position.GPS, **TINY), tmp_path / "gps.zip")
    truth = json.loads(flight.cameras.read_text())
    to_utm = pyproj.Transformer.from_crs(4326, truth["crs"], always_xy=True)
    errors = []
    for (_, image), camera in zip(photographs(flight), truth["images"], strict=True):
        assert xmp_of(image)["RtkFlag"] == "16"
        longitude, latitude, _ = gps_of(image)
        errors.append(np.hypot(*(np.array(to_utm.transform(longitude, latitude)) - camera["centre"][:2])))
    assert 0.1 < max(errors) < 3.0


def test_survey_without_positions_has_none_anywhere(tmp_path):
    flight = simulate(Survey(position=Position.NONE, **TINY), tmp_path / "none.zip")
    for name, image in photographs(flight):
        assert name.endswith("_D.JPG")
        assert not image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        assert not {"GpsLatitude", "GpsLongitude", "AbsoluteAltitude", "RtkFlag"} & xmp_of(image).keys()
    with zipfile.ZipFile(flight.zip_path) as archive:
        assert not [name for name in archive.namelist() if name.upper().endswith(".MRK")]
    assert all(camera["measured"] is None for camera in json.loads(flight.cameras.read_text())["images"])


def test_progress_counts_to_the_end(tmp_path):
    heard = []
    simulate(Survey(**TINY), tmp_path / "a.zip", lambda *report: heard.append(report))
    assert heard[-1] == ("images", 4, 4)
    assert {stage for stage, done, total in heard if done == total} == {"land", "truth", "images"}


def test_an_interrupted_simulation_leaves_no_half_file(tmp_path):
    target = tmp_path / "a.zip"
    target.write_bytes(b"earlier")

    def interrupt(stage, done, total):
        if (stage, done) == ("images", 2):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(Survey(**TINY), target, interrupt)
    assert target.read_bytes() == b"earlier"
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".part")] == []


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"images": 0}, "images"),
        ({"side_overlap": 1.0}, "side_overlap"),
        ({"height_above_ground": 5.0}, "height_above_ground"),
        ({"latitude": 89.0}, "latitude"),
        ({"started_at": datetime(2026, 6, 1)}, "time zone"),  # noqa: DTZ001
    ],
)
def test_impossible_surveys_are_refused(wrong, named):
    with pytest.raises(ConfigError, match=named) as refusal:
        Survey(**wrong)
    assert refusal.value.code == "simulate.survey"


def test_exiftool_reads_the_same(flight, tmp_path, truth):
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    with zipfile.ZipFile(flight.zip_path) as archive:
        archive.extractall(tmp_path)
    command = ["exiftool", "-json", "-n", "-G1", "-r", "-ext", "jpg", str(tmp_path)]
    read = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    for tags in read:
        assert "ExifTool:Warning" not in tags
        camera = next(c for c in truth["images"] if tags["SourceFile"].endswith(c["name"]))
        measured = camera["measured"]
        assert tags["GPS:GPSLatitude"] == pytest.approx(measured["latitude"], abs=1e-9)
        assert tags["GPS:GPSLongitude"] == pytest.approx(measured["longitude"], abs=1e-9)
        assert tags["GPS:GPSAltitude"] == pytest.approx(measured["height"], abs=1e-3)
        assert float(tags["XMP-drone-dji:GPSLatitude"]) == pytest.approx(measured["latitude"], abs=1e-9)
        assert float(tags["XMP-drone-dji:AbsoluteAltitude"]) == pytest.approx(measured["height"], abs=1e-3)
        assert tags["Composite:SubSecDateTimeOriginal"].endswith("+02:00")
        assert tags["Composite:FocalLength35efl"] == pytest.approx(32, abs=0.01)
