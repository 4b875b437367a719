"""Measures of images: one by one and many at once, in every format."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from aerodag.errors import DataError, InfrastructureError
from aerodag.imagery import Assessment, assess, assess_many

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
ORIENTATION = 0x0112


def scene(width: int = 1200, height: int = 900) -> Image.Image:
    noise = np.random.default_rng(7).integers(40, 215, (height // 4, width // 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def assessed(content: bytes, name: str = "x.jpg") -> Assessment:
    return assess(io.BytesIO(content), name)


def picture(thumbnail: bytes | None) -> Image.Image:
    assert thumbnail is not None
    return Image.open(io.BytesIO(thumbnail), formats=("JPEG",))


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encoded(scene())


def test_a_good_image(jpeg: bytes) -> None:
    found = assessed(jpeg)
    assert (found.decodable, found.problem, found.scale, found.terrain) == (True, None, 1, None)
    assert found.sharpness is not None
    assert found.sharpness > 100
    assert found.low_texture_share == 0
    grey = np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"))
    assert (found.mean, found.std) == pytest.approx((grey.mean(), grey.std()), abs=0.5)
    assert (found.p5, found.p95) == pytest.approx(tuple(np.percentile(grey, [5, 95])), abs=2)


def test_shares_of_dark_and_bright_pixels() -> None:
    image = Image.new("RGB", (200, 200), (128, 128, 128))
    image.paste((5, 5, 5), (0, 0, 50, 200))
    image.paste((250, 250, 250), (50, 0, 70, 200))
    found = assessed(encoded(image, "PNG"))
    assert (found.dark_share, found.bright_share) == pytest.approx((0.25, 0.1))


def test_a_tiny_image_has_no_score_but_a_thumbnail() -> None:
    found = assessed(encoded(Image.new("RGB", (1, 1))))
    assert (found.decodable, found.sharpness, found.terrain) == (True, None, None)
    assert picture(found.thumbnail).size == (1, 1)


@pytest.mark.parametrize("mode", ["I;16", "F", "I"])
def test_deep_sensors_get_a_score_but_no_white_level(mode: str) -> None:
    values = np.random.default_rng(3).integers(0, 400, (300, 400))
    kinds = {"I;16": np.uint16, "F": np.float32, "I": np.int32}
    found = assessed(encoded(Image.fromarray(values.astype(kinds[mode])), "TIFF"), "x.tif")
    assert (found.decodable, found.dark_share, found.bright_share) == (True, None, None)
    assert found.sharpness is not None
    assert found.sharpness > 100
    assert found.p95 == pytest.approx(0.95 * 255, abs=8)
    assert np.asarray(picture(found.thumbnail)).std() > 10


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_thumbnails_are_upright_and_small(orientation: int, kind: str) -> None:
    image = Image.new("RGB", (1600, 1200), (20, 40, 60))
    image.paste((220, 40, 60), (0, 0, 800, 600))
    image.paste((20, 200, 60), (800, 0, 1600, 600))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = encoded(image, kind, exif=exif)
    found = picture(assessed(content).thumbnail)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB").resize(found.size)
    assert max(found.size) == 160
    assert (found.width > found.height) == (orientation < 5)
    assert np.abs(np.asarray(found, dtype=int) - np.asarray(expected)).mean() < 4


def test_like_pictures_have_like_fingerprints(jpeg: bytes) -> None:
    again = assessed(encoded(scene().resize((900, 675)), quality=60)).fingerprint
    other = assessed(encoded(scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT))).fingerprint
    first = assessed(jpeg).fingerprint
    assert first is not None
    assert again is not None
    assert other is not None
    assert -(2**63) <= first < 2**63
    assert ((first ^ again) & (2**64 - 1)).bit_count() <= 8
    assert ((first ^ other) & (2**64 - 1)).bit_count() > 16


def test_what_is_wrong_with_a_file_is_a_result(jpeg: bytes) -> None:
    found = assessed(jpeg[:20_000])
    assert (found.decodable, found.problem, found.sharpness) == (False, "image.truncated", None)
    assert found.message is not None
    assert "x.jpg" in found.message
    assert assessed(b"<html>").problem == "image.unreadable"


def test_many_keeps_the_order_and_reports_each(jpeg: bytes) -> None:
    def read(name: str) -> bytes:
        if name == "5.jpg":
            raise DataError("archive.damaged", "5.jpg has another checksum.", advice="Upload it again.")
        return jpeg[:20_000] if name == "7.jpg" else jpeg

    names = [f"{index}.jpg" for index in range(30)]
    found = list(assess_many(read, names, workers=3))
    assert [item.name for item in found] == names
    bad = {item.name: (item.problem, item.message) for item in found if not item.decodable}
    assert bad["5.jpg"] == ("image.damaged", "5.jpg has another checksum.")
    assert bad["7.jpg"][0] == "image.truncated"
    assert len(bad) == 2


def test_many_reads_little_ahead_of_its_reader(jpeg: bytes) -> None:
    reads = threading.Semaphore(0)

    def read(name: str) -> bytes:
        reads.release()
        return jpeg

    found = assess_many(read, map(str, range(1000)), workers=2)
    next(found)
    count = 0
    while reads.acquire(timeout=0.2):
        count += 1
    assert count <= 10
    found.close()


def test_a_fault_of_the_storage_is_no_finding() -> None:
    def read(name: str) -> bytes:
        raise InfrastructureError("storage.gone", "The disk is gone.", advice="Check it.")

    with pytest.raises(InfrastructureError):
        list(assess_many(read, ["x.jpg"]))


@needs_data
@pytest.mark.parametrize(
    ("path", "scale"),
    [
        ("rtk/xmp_rtk_thermal/M3T_IR.JPG", 1),
        ("multispectral/micasense_rededge/IMG_0001_4.tif", 1),
        ("multispectral/dji_p4m_rtk/p4m_mauritius_green.tif", 2),
        ("mapping/brighton_beach/images/DJI_0020.JPG", 2),
        ("exif_odd/Multiple_ICC_segments.jpg", 1),
    ],
)
def test_real_images_are_sound(path: str, scale: int) -> None:
    found = assessed((DATA / path).read_bytes())
    assert (found.decodable, found.scale) == (True, scale)
    assert found.sharpness is not None
    assert found.sharpness > 100
    thumbnail = found.thumbnail
    assert thumbnail is not None
    assert 1_000 < len(thumbnail) < 12_000


@needs_data
def test_real_broken_images_are_found() -> None:
    found = {file.name[:4]: assessed(file.read_bytes()).decodable for file in (DATA / "exif_odd" / "broken").iterdir()}
    assert sum(found.values()) == 1
    assert found["5482"]
