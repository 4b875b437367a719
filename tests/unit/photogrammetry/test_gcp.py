import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.findings import Finding
from aerodag.imagery import read_metadata
from aerodag.photogrammetry.gcp import MAX_BYTES, MAX_ROWS, GroundControl, parse
from aerodag.photogrammetry.gcp_checks import ControlImage, check
from aerodag.photogrammetry.gcp_images import choose, resolve, rewrite

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test files are absent (AERODAG_TEST_DATA)")

ROW = "500000.25 5324000.5 612.125 1024.5 768.25 DJI_0001.JPG"


def read(text: str, name: str = "gcp_list.txt") -> GroundControl:
    return parse(text.encode(), name)


def codes(findings: list[Finding] | tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


def survey(points: int = 3, images: int = 3) -> GroundControl:
    rows = [
        f"{500000 + 40 * p} 5324000 612 {100 + p} {200 + i} DJI_{i:04d}.JPG P{p}"
        for p in range(points)
        for i in range(1, images + 1)
    ]
    return read("\n".join(["EPSG:32632", *rows]))


IMAGES = [ControlImage(f"flight/DJI_{i:04d}.JPG", 4000, 3000, 9.0003, 48.0695) for i in range(1, 4)]


@pytest.mark.parametrize(
    ("header", "srs"),
    [
        ("EPSG:32632", "EPSG:32632"),
        ("epsg: 4326", "EPSG:4326"),
        ("WGS84 UTM 32N", "EPSG:32632"),
        ("wgs84 utm 7s", "EPSG:32707"),
        ("WGS 84 / UTM zone 60N", "EPSG:32660"),
        ("+proj=utm +zone=17 +datum=WGS84 +units=m +no_defs", "+proj=utm +zone=17 +datum=WGS84 +units=m +no_defs"),
        ("'+proj=longlat +datum=WGS84 +no_defs=True'", "+proj=longlat +datum=WGS84 +no_defs=True"),
    ],
)
def test_coordinate_systems_are_read_as_odm_reads_them(header, srs):
    control = read(f"{header}\n{ROW}")
    assert (control.srs, len(control.rows), control.findings) == (srs, 1, ())
    assert control.crs.is_projected or control.crs.is_geographic


@pytest.mark.parametrize(
    "header",
    [
        "EPSG:1", "EPSG:999999", "EPSG:4978", "EPSG:5773", "WGS84 UTM 61N", "WGS84 UTM 0N", "Gauss-Krueger", "4326",
        "+init=epsg:4326", "+proj=utm +zone=99", "+proj=longlat +nadgrids=/etc/passwd", "+proj=nonsense", "+proj=",
    ],
)  # fmt: skip
def test_an_unknown_coordinate_system_is_refused(header):
    control = read(f"{header}\n{ROW}")
    assert (control.rows, codes(control.findings)) == ((), ["gcp.srs_unknown"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "gcp.empty"),
        (b"\0\0\0\n", "gcp.empty"),
        (b"# nothing\n", "gcp.empty"),
        (b"EPSG:4326\n", "gcp.empty"),
        (b"EPSG:4326\n1,2,3,4,5,a.jpg\n", "gcp.empty"),
        (ROW.encode(), "gcp.srs_missing"),
        (b"x" * (MAX_BYTES + 1), "gcp.too_large"),
        (b"EPSG:4326\n" + b"1\n" * (MAX_ROWS + 1), "gcp.too_large"),
    ],
)
def test_a_file_without_use_says_why(content, code):
    control = parse(content, "gcp_list.txt")
    assert (control.rows, control.srs, codes(control.findings)) == ((), "", [code])


@pytest.mark.parametrize("separator", [" ", "\t", " \t  "])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_and_encodings_do_not_matter(separator, encoding):
    rows = [f"{ROW.replace(' ', separator)}{separator}Höhe-1{separator}0.02", "# note", "", "broken line"]
    control = parse("\r\n".join(["EPSG:32632", *rows]).encode(encoding), "gcp_list.txt")
    (row,) = control.rows
    assert (row.x, row.y, row.z, row.px, row.py) == (500000.25, 5324000.5, 612.125, 1024.5, 768.25)
    assert (row.image, row.label, row.extras) == ("DJI_0001.JPG", "Höhe-1", "0.02")
    assert (control.bad_lines, codes(control.findings)) == (1, ["gcp.bad_lines"])


@pytest.mark.parametrize(
    ("rest", "image", "label"),
    [
        ("a b (1).JPG\tP1", "a b (1).JPG", "P1"),
        ('"a b.jpeg" P1', "a b.jpeg", "P1"),
        ("flight 1/a.TIF P1 x", "flight 1/a.TIF", "P1"),
        (r"C:\photos\a.dng", r"C:\photos\a.dng", ""),
        ("a.jpg b.jpg", "a.jpg", "b.jpg"),
        ("a.jpg.png P1", "a.jpg.png", "P1"),
        ("IMG_1 P1", "IMG_1", "P1"),
        ("IMG_1", "IMG_1", ""),
    ],
)
def test_image_names_may_hold_blanks(rest, image, label):
    (row,) = read(f"EPSG:32632\n1 2 3 4 5 {rest}").rows
    assert (row.image, row.label) == (image, label)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("dji_0001.jpg", "A/DJI_0001.JPG"),
        ("elsewhere/DJI_0001.JPG", "A/DJI_0001.JPG"),
        ("B/DJI_0002.JPG", "x/B/DJI_0002.JPG"),
        (r"D:\survey\b\dji_0002.jpg", "x/B/DJI_0002.JPG"),
        ("x/B/DJI_0002.JPG", "x/B/DJI_0002.JPG"),
        ("DJI_0002.JPG", ("A/DJI_0002.JPG", "x/B/DJI_0002.JPG")),
        ("C/DJI_0002.JPG", ("A/DJI_0002.JPG", "x/B/DJI_0002.JPG")),
        ("DJI_0003.JPG", None),
        ("JI_0001.JPG", None),
    ],
)
def test_images_are_found_by_name_and_told_apart_by_folder(name, path):
    found = resolve(read(f"EPSG:32632\n1 2 3 4 5 {name}"), ["A/DJI_0001.JPG", "A/DJI_0002.JPG", "x/B/DJI_0002.JPG"])
    if path is None:
        assert (found.absent, found.paths, found.ambiguous) == ((name,), {}, {})
    elif isinstance(path, tuple):
        assert (found.absent, found.paths, found.ambiguous) == ((), {}, {name: path})
    else:
        assert (found.absent, found.paths, found.ambiguous) == ((), {name: path}, {})


def test_rewriting_gives_the_engines_names_and_counts_what_it_drops():
    text = "\n".join([
        "WGS84 UTM 32N", f"{ROW} P1 0.02", ROW.replace("0001", "0002"), ROW.replace("0001", "0009"),
        ROW.replace("0001", "0003"), f"{ROW} CHK-7",
    ])  # fmt: skip
    names = {"A/DJI_0001.JPG": "A_1.JPG", "A/DJI_0002.JPG": "A_2.JPG"}
    names |= {"A/DJI_0003.JPG": "A_3.JPG", "B/DJI_0003.JPG": "B_3.JPG"}
    control = read(text)
    engine = rewrite(control, names)
    assert (engine.rows, engine.points) == (2, 1)
    assert (engine.absent_rows, engine.ambiguous_rows, engine.check_rows) == (1, 1, 1)
    again = read(engine.text)
    assert again.srs == control.srs
    assert again.rows == (
        replace(control.rows[0], image="A_1.JPG"),
        replace(control.rows[1], image="A_2.JPG"),
    )
    found = check(control, [ControlImage(path) for path in names])
    assert codes(found)[:3] == ["gcp.images_absent", "gcp.name_ambiguous", "gcp.check_points"]
    assert [finding.numbers.get("dropped") for finding in found[:2]] == [1, 1]


def test_good_control_gives_no_finding():
    assert check(survey(), IMAGES) == []
    assert check(survey(), [ControlImage(image.zip_path) for image in IMAGES]) == []


@pytest.mark.parametrize(
    ("control", "images", "code"),
    [
        (survey(points=2), IMAGES, "gcp.few_points"),
        (survey(images=2), IMAGES, "gcp.few_observations"),
        (survey(), [replace(image, width=100) for image in IMAGES], "gcp.outside_image"),
        (survey(), [replace(image, latitude=48.0795) for image in IMAGES], "gcp.far"),
        (replace(survey(), srs="EPSG:32633"), IMAGES, "gcp.far"),
    ],
)
def test_control_that_will_not_help_is_found(control, images, code):
    (finding,) = check(control, images)
    assert finding.code == code
    assert finding.numbers["rows"] == len(control.rows)


def test_control_of_other_images_is_of_no_use():
    found = check(survey(), [ControlImage("other/IMG_0001.JPG", 4000, 3000)])
    assert codes(found) == ["gcp.images_absent", "gcp.none_usable"]
    assert check(parse(b"", "gcp_list.txt"), IMAGES) == []


def test_of_several_files_the_one_with_most_observations_counts():
    full, part, other = survey(), survey(points=1), read("EPSG:4326\n1 2 3 4 5 x.jpg\n" + "1 2 3 4 5 y.jpg\n" * 20)
    files = [replace(part, name="gcp_list.txt"), replace(full, name="b/gcp_list.txt"), replace(other, name="gcp.txt")]
    chosen, findings = choose(files, [image.zip_path for image in IMAGES])
    assert chosen is files[1]
    assert codes(findings) == ["gcp.several"]
    assert findings[0].numbers["observations"] == {"gcp_list.txt": 3, "b/gcp_list.txt": 9, "gcp.txt": 0}
    assert choose(files[:1], []) == (files[0], [])
    assert choose([parse(b"", "gcp.txt")], []) == (None, [])


def images_of(folder: str) -> list[ControlImage]:
    images = []
    for path in sorted((DATA / "mapping" / folder / "images").iterdir()):
        with path.open("rb") as file:
            found = read_metadata(file, path.name)
        images.append(ControlImage(f"DCIM/{path.name}", found.width, found.height, found.longitude, found.latitude))
    return images


@needs_data
@pytest.mark.parametrize(
    ("path", "images", "expected", "rows"),
    [
        ("sheffield_cross_800/gcp_list.txt", "sheffield_cross_800", [], 25),
        ("sheffield_cross_800/gcp_list_4000x3000_original.txt", "sheffield_cross_800", ["gcp.outside_image"], 25),
        ("brighton_no_gps/gcp_list_test.txt", "brighton_beach", [], 11),
        ("brighton_no_gps/gcp_list_test.txt", "brighton_no_gps", ["gcp.images_absent", "gcp.none_usable"], 0),
    ],
)
def test_real_files(path, images, expected, rows):
    control = parse((DATA / "mapping" / path).read_bytes(), path)
    found = images_of(images)
    assert (control.bad_lines, control.findings) == (0, ())
    assert codes(check(control, found)) == expected
    engine = rewrite(control, {image.zip_path: f"E_{Path(image.zip_path).name}" for image in found})
    assert engine.rows == rows == engine.text.count("E_DJI_")


@pytest.mark.parametrize("line", ["1 " * 500, "+proj=" + "+a=b" * 240, "1 2 3 4 5 " + "a." * 490, " " * 900 + "x"])
def test_no_line_takes_long(line):
    started = time.process_time()
    parse((line + "\n").encode() + b"EPSG:4326\n" + (line + "\n").encode() * 300, "gcp_list.txt")
    assert time.process_time() - started < 2


PIECES = ["EPSG:4326", "WGS84 UTM 32N", "+proj=utm +zone=3", " ", "\t", "\n", "\r\n", "\0", "1", "-2.5", "1e9", "#",
          "a.jpg", "x/A.JPG", "CHK-1", '"', "\\", "é", "\ud800", ".", "/"]  # fmt: skip
text = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
number = st.floats(-1e9, 1e9, allow_nan=False).map(repr)
row = st.tuples(
    *[number] * 5, st.sampled_from(["a.jpg", "x/A.JPG", "a b.tif", "c", "CHK-"]), st.sampled_from(["", "P1", "CHK-1 x"])
)


def survives(content: bytes) -> None:
    control = parse(content, "gcp_list.txt")
    assert bool(control.rows) == bool(control.srs)
    assert control.rows or control.findings
    names = {"x/a.jpg": "x_a.jpg", "y/a.jpg": "y_a.jpg", "a b.tif": "a_b.tif"}
    assert all(finding.message for finding in check(control, [ControlImage(path, 10, 10, 9.0, 48.0) for path in names]))
    engine = rewrite(control, names)
    again = parse(engine.text.encode("utf-8", "surrogatepass"), "gcp_list.txt")
    assert len(again.rows) == engine.rows
    assert again.bad_lines == 0
    assert [r.point for r in again.rows] == [
        r.point for r in control.rows if not r.is_check and r.image in resolve(control, names).paths
    ]


@pytest.mark.fuzz
@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_a_finding(content):
    survives(content)


@pytest.mark.fuzz
@given(text, st.sampled_from(["utf-8", "utf-16"]))
def test_any_text_of_such_words_gives_rows_or_a_finding(words, encoding):
    survives(words.encode(encoding, "surrogatepass"))


@pytest.mark.fuzz
@given(st.lists(row, max_size=6), st.sampled_from([" ", "\t", "  \t"]))
def test_whatever_rows_there_are_the_engine_can_read(rows, separator):
    survives("\n".join(["EPSG:32632", *(separator.join(row) for row in rows)]).encode())
