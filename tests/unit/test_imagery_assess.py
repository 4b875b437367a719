"""Soundness, sharpness and exposure of images."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from aerodag.imagery import Assessment, assess, assess_many
from aerodag.imagery.assess import sharpness_by_grid

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")


def scene(width: int = 1200, height: int = 900) -> Image.Image:
    noise = np.random.default_rng(7).integers(40, 215, (height // 4, width // 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def assessed(content: bytes, name: str = "x.jpg") -> Assessment:
    return assess(io.BytesIO(content), name)


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encoded(scene())


def test_a_good_image(jpeg: bytes) -> None:
    found = assessed(jpeg)
    assert (found.decodable, found.problem, found.scale, found.exposure) == (True, None, 1, None)
    assert found.sharpness is not None
    assert found.sharpness > 100
    assert found.low_texture_share == 0
    grey = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"))
    assert (found.mean, found.std) == pytest.approx((grey.mean(), grey.std()), abs=0.5)
    assert (found.p5, found.p95) == pytest.approx(tuple(np.percentile(grey, [5, 95])), abs=2)


def test_large_images_are_decoded_small() -> None:
    assert assessed(encoded(scene(4000, 2250))).scale == 4
    assert assessed(encoded(scene(2100, 1000), "PNG"), "x.png").scale == 2


def test_blur_lowers_the_score(jpeg: bytes) -> None:
    scores = [
        assessed(encoded(scene().filter(ImageFilter.GaussianBlur(radius)))).sharpness or 0.0 for radius in (0, 2, 5, 10)
    ]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 30 < scores[0]


def test_the_grid_forgives_water() -> None:
    grey = np.full((400, 400), 90, dtype=np.uint8)
    grey[:, :100] = np.random.default_rng(1).integers(0, 255, (400, 100))
    score, low = sharpness_by_grid(grey)
    assert score is not None
    assert score > 1000
    assert low == pytest.approx(0.75, abs=0.26)


def test_the_score_is_the_variance_of_the_laplacian() -> None:
    grey = np.zeros((42, 42), dtype=np.uint8)
    grey[::2, ::2] = 100
    score, _ = sharpness_by_grid(grey)
    # Of four pixels one has the Laplacian -400, two have 200 and one has 0.
    assert score == pytest.approx(np.var([-400, 200, 200, 0]), rel=0.05)


def test_a_tiny_image_has_no_score() -> None:
    found = assessed(encoded(Image.new("RGB", (1, 1))))
    assert (found.decodable, found.sharpness) == (True, None)


@pytest.mark.parametrize(("level", "exposure"), [(5, "black"), (250, "white"), (120, None)])
def test_exposure(level: int, exposure: str | None) -> None:
    assert assessed(encoded(Image.new("RGB", (200, 200), (level, level, level)))).exposure == exposure


@pytest.mark.parametrize("mode", ["I;16", "F"])
def test_deep_sensors_get_a_score_but_no_exposure(mode: str) -> None:
    values = np.random.default_rng(3).integers(0, 400, (300, 400))
    image = Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.float32))
    found = assessed(encoded(image, "TIFF"), "x.tif")
    assert (found.decodable, found.exposure) == (True, None)
    assert found.sharpness is not None
    assert found.sharpness > 100


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.95])
def test_truncation_is_seen(jpeg: bytes, keep: float) -> None:
    found = assessed(jpeg[: int(len(jpeg) * keep)])
    assert (found.decodable, found.problem, found.sharpness) == (False, "image.truncated", None)


@pytest.mark.parametrize("keep", [0.3, 0.8])
def test_zeros_in_place_of_picture_data_are_seen(jpeg: bytes, keep: float) -> None:
    kept = int(len(jpeg) * keep)
    found = assessed(jpeg[:kept] + bytes(len(jpeg) - kept))
    assert (found.decodable, found.problem) == (False, "image.truncated")


def test_padding_behind_the_end_and_flat_ground_are_harmless(jpeg: bytes) -> None:
    assert assessed(jpeg + bytes(100_000)).decodable
    flat = scene()
    flat.paste((120, 120, 120), (0, 600, 1200, 900))
    assert assessed(encoded(flat)).decodable
    assert assessed(encoded(flat) + bytes(100_000)).decodable


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_other_formats_are_checked_too(kind: str) -> None:
    content = encoded(scene(300, 200), kind)
    assert assessed(content).decodable
    assert not assessed(content[: len(content) // 2]).decodable


def test_no_image_at_all() -> None:
    found = assessed(b"<html>")
    assert (found.decodable, found.problem) == (False, "image.unreadable")
    assert found.message is not None
    assert "x.jpg" in found.message


def test_many_keeps_the_order_and_reports_each(tmp_path: Path, jpeg: bytes) -> None:
    path = tmp_path / "x.zip"
    names = [f"{index}.jpg" for index in range(30)]
    with zipfile.ZipFile(path, "w") as bundle:
        for index, name in enumerate(names):
            bundle.writestr(name, jpeg[:20_000] if index == 7 else jpeg)
    data = bytearray(path.read_bytes())
    data[200_000 % len(jpeg) + 5 * len(jpeg)] ^= 0xFF
    path.write_bytes(data)
    found = list(assess_many(path, [*names, "absent.jpg"], workers=3))
    assert [item.name for item in found] == [*names, "absent.jpg"]
    bad = {item.name: item.problem for item in found if not item.decodable}
    assert bad["7.jpg"] == "image.truncated"
    assert bad["absent.jpg"] == "image.damaged"
    assert sorted(bad.values()) == ["image.damaged", "image.damaged", "image.truncated"]


@needs_data
@pytest.mark.parametrize(
    "path",
    [
        "rtk/xmp_rtk_thermal/M3T_IR.JPG",
        "multispectral/micasense_rededge/IMG_0001_4.tif",
        "mapping/brighton_beach/images/DJI_0020.JPG",
        "exif_odd/Multiple_ICC_segments.jpg",
    ],
)
def test_real_images_are_sound(path: str) -> None:
    found = assessed((DATA / path).read_bytes())
    assert found.decodable
    assert found.sharpness is not None
    assert found.sharpness > 100
    assert found.fingerprint is not None
    assert -(2**63) <= found.fingerprint < 2**63


@needs_data
def test_real_broken_images_are_found() -> None:
    found = {file.name[:4]: assessed(file.read_bytes()).decodable for file in (DATA / "exif_odd" / "broken").iterdir()}
    assert sum(found.values()) == 1
    assert found["5482"]
