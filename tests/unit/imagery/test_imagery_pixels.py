"""Whether damage of an image file is found: cut, zeroed, overwritten, shortened; and what is no damage."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aerodag.errors import DataError
from aerodag.imagery import assess
from aerodag.imagery.pixels.decode import decode, grey, reduction

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
END = b"\xff\xd9"


def scene(width: int = 1200, height: int = 900, mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(7).integers(40, 215, (height // 4, width // 4, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def problem(content: bytes) -> str | None:
    try:
        decode(content, "x.jpg")
    except DataError as error:
        return error.code
    return None


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encoded(scene())


@pytest.mark.parametrize(
    ("longer", "scale"), [(640, 1), (1500, 1), (1501, 2), (4000, 2), (8064, 2), (11_000, 4), (30_000, 8)]
)
def test_large_images_are_decoded_small(longer: int, scale: int) -> None:
    assert reduction(longer) == scale


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("size", [(1601, 1203), (2000, 1125)])
def test_the_reduced_size_and_colours(kind: str, size: tuple[int, int]) -> None:
    found = decode(encoded(Image.new("RGB", size, (200, 100, 50)), kind), "x")
    assert found is not None
    assert found.scale == 2
    assert found.values.shape == (-(-size[1] // 2), -(-size[0] // 2), 3)
    assert found.values[10, 10] == pytest.approx((50, 100, 200), abs=3)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("progressive", [False, True])
def test_all_kinds_of_jpeg_decode(mode: str, progressive: bool) -> None:
    found = decode(encoded(scene(mode=mode), progressive=progressive), "x.jpg")
    assert found is not None
    expected = np.asarray(scene(mode=mode).convert("RGB").convert("L"))
    assert np.abs(grey(found.values).astype(int) - expected).mean() < 4


@pytest.mark.parametrize("keep", [0.05, 0.1, 0.3, 0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_cut_jpeg_is_truncated(keep: float, mode: str) -> None:
    content = encoded(scene(mode=mode))
    assert problem(content[: int(len(content) * keep)]) == "image.truncated"


@pytest.mark.parametrize("keep", [0.3, 0.8])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_zeros_in_place_of_the_rest_are_seen(keep: float, mode: str) -> None:
    content = encoded(scene(mode=mode))
    kept = int(len(content) * keep)
    assert problem(content[:kept] + bytes(len(content) - kept)) == "image.truncated"


def test_padding_behind_the_end_and_flat_ground_are_harmless(jpeg: bytes) -> None:
    assert problem(jpeg + bytes(100_000)) is None
    flat = scene()
    flat.paste((120, 120, 120), (0, 600, 1200, 900))
    assert problem(encoded(flat)) is None
    assert problem(encoded(flat) + bytes(100_000)) is None
    assert problem(encoded(Image.new("RGB", (1200, 900)), optimize=True)) is None


def test_a_few_stray_bytes_are_harmless(jpeg: bytes) -> None:
    assert problem(jpeg.removesuffix(END) + b"\x00\x00" + END) is None
    tables = jpeg.index(b"\xff\xdb")
    assert problem(jpeg[:tables] + b"\x00\x00" + jpeg[tables:]) is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_other_cut_formats_are_seen(kind: str, keep: float) -> None:
    content = encoded(scene(300, 200), kind)
    assert problem(content) is None
    assert problem(content[: int(len(content) * keep)]) is not None


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_a_cut_tiff_is_seen_whatever_its_compression(compression: str) -> None:
    content = encoded(scene(300, 200), "TIFF", compression=compression)
    assert problem(content[: len(content) // 2]) is not None


def test_an_overwritten_png_is_seen() -> None:
    content = bytearray(encoded(scene(300, 200), "PNG"))
    content[len(content) // 2] ^= 0xFF
    assert problem(bytes(content)) in {"image.damaged", "image.truncated"}


def test_no_image_at_all() -> None:
    assert problem(b"<html>") == "image.unreadable"
    assert problem(b"") == "image.unreadable"


def cut(content: bytes, at: int, size: int) -> bytes:
    return content[:at]


def zero_tail(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + bytes(len(content) - at)


def zero_block(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + bytes(size) + content[at + size :]


def erased_block(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + b"\xff" * size + content[at + size :]


def foreign_block(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + random.Random(at).randbytes(size) + content[at + size :]


def own_block_elsewhere(content: bytes, at: int, size: int) -> bytes:
    source = len(content) // 2
    return content[:at] + content[source : source + size] + content[at + size :]


def lost_block(content: bytes, at: int, size: int) -> bytes:
    return content[:at] + content[at + size :]


DAMAGES = {
    cut: 1.0, zero_tail: 1.0, zero_block: 0.95, erased_block: 0.95, foreign_block: 0.95, own_block_elsewhere: 0.9,
    lost_block: 0.95,
}  # fmt: skip


@needs_data
@pytest.mark.parametrize(("damage", "least"), DAMAGES.items(), ids=[damage.__name__ for damage in DAMAGES])
def test_damage_of_real_jpegs_is_found(damage: Callable[[bytes, int, int], bytes], least: float) -> None:
    """The rest decodes to the right number of blocks by chance; restart markers and cameras' padding hide nothing."""
    files = sorted((DATA / "mapping" / "sheffield_cross_800" / "images").glob("*.JPG"))[:10]
    files += sorted((DATA / "mapping" / "p4m_rtk_mirafiori" / "images").glob("*.JPG"))[:5]
    draw = random.Random(1)
    found = []
    for content in (file.read_bytes() for file in files):
        for size in (512, 4096, 32768):
            at = draw.randrange(len(content) // 10, len(content) - size)
            found.append(problem(damage(content, at, size)) is not None)
    assert sum(found) >= least * len(found)


@needs_data
def test_no_real_image_is_called_damaged() -> None:
    suffixes = {".jpg", ".jpeg", ".tif", ".tiff", ".png"}
    files = [file for room in ("exif_odd", "thermal", "rtk", "multispectral") for file in (DATA / room).rglob("*")]
    sound = [file for file in files if file.suffix.lower() in suffixes and file.parent.name != "broken"]
    assert len(sound) > 25
    assert {file.name: found for file in sound if (found := problem(file.read_bytes()))} == {}


BASES = [encoded(scene(96, 64), kind) for kind in ("JPEG", "TIFF", "PNG")]
BASES += [
    encoded(scene(400, 8)),
    encoded(scene(96, 64), progressive=True),
    encoded(scene(96, 64, "L").convert("I;16"), "TIFF"),
]
POSSIBLE = {None, "image.unreadable", "image.truncated", "image.damaged"}
POSSIBLE |= {"image.raw_preview_only", "image.raw_not_decoded"}


@pytest.mark.fuzz
@given(
    base=st.sampled_from(BASES),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), max_size=6),
    keep=st.floats(0, 1) | st.just(1.0),
)
def test_changed_files_give_pixels_or_a_finding(base: bytes, changes: list[tuple[float, bytes]], keep: float) -> None:
    content = bytearray(base)
    for place, block in changes:
        at = int(place * len(content))
        content[at : at + len(block)] = block
    assert assess(io.BytesIO(content[: int(keep * len(content))]), "x.jpg").problem in POSSIBLE


@pytest.mark.fuzz
@given(st.sampled_from([b"", b"\xff\xd8\xff", b"II*\x00\x08\x00\x00\x00", b"\x89PNG\r\n\x1a\n"]), st.binary())
def test_any_bytes_give_a_finding(magic: bytes, rest: bytes) -> None:
    assert assess(io.BytesIO(magic + rest), "x.jpg").problem in POSSIBLE
