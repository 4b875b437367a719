"""Damage is found wherever a codec lets one find it: truncated files, overwritten blocks, broken overviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from aerodag.errors import DataError
from aerodag.raster.examining.whole import require_whole
from samples.rasters import DATA, PLACE, UTM, Array, code_of, ground, needs_data, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
SIDE = 600
CODECS = ["none", "deflate", "lzw", "zstd", "jpeg", "webp", "lzma", "lerc"]


def noisy() -> Array:
    return ground(SIDE) + np.random.default_rng(1).integers(0, 30, (3, SIDE, SIDE)).astype(np.uint8)


def written(path: Path, codec: str, **options: Any) -> Path:
    chosen = {"tiled": True, "blockxsize": 128, "blockysize": 128} | ({} if codec == "none" else {"compress": codec})
    if codec == "jpeg":
        chosen["photometric"] = "YCBCR"
    return save(path, noisy(), **(chosen | options))


def block(path: Path, column: int, row: int) -> slice:
    """Bytes of one block of the first band."""
    with rasterio.open(path) as dataset:
        offset = int(dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
        return slice(offset, offset + int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1)))


def damage(path: Path) -> dict[str, Any]:
    with pytest.raises(DataError) as caught:
        require_whole(path)
    assert code_of(caught) == "raster.damaged"
    assert caught.value.advice
    return caught.value.numbers


@pytest.mark.parametrize("codec", CODECS)
def test_a_truncated_file_is_not_whole(tmp_path: Path, codec: str) -> None:
    path = written(tmp_path / "a.tif", codec)
    require_whole(path)
    last = block(path, 4, 4)
    path.write_bytes(path.read_bytes()[: last.stop - 1])
    assert damage(path) == {"blocks": 25, "damaged": 1, "first_row": 512, "first_column": 512}
    path.write_bytes(path.read_bytes()[: block(path, 2, 2).start + 10])
    assert damage(path)["damaged"] == 13


@pytest.mark.parametrize(
    ("codec", "interleave", "blocks"),
    [(codec, "pixel", 25) for codec in CODECS if codec != "none"] + [("deflate", "band", 75), ("lzw", "band", 75)],
)
def test_an_overwritten_block_is_found(tmp_path: Path, codec: str, interleave: str, blocks: int) -> None:
    path = written(tmp_path / "a.tif", codec, interleave=interleave)
    content, place = bytearray(path.read_bytes()), block(path, 2, 2)
    content[place] = bytes(place.stop - place.start)
    path.write_bytes(content)
    assert damage(path) == {"blocks": blocks, "damaged": 1, "first_row": 256, "first_column": 256}


@pytest.mark.parametrize("codec", ["deflate", "jpeg"])
def test_damage_that_gdal_reads_over_is_found(tmp_path: Path, codec: str) -> None:
    path = written(tmp_path / "a.tif", codec)
    content, place = bytearray(path.read_bytes()), block(path, 3, 1)
    third = place.start + (place.stop - place.start) // 3
    content[third : third + 200] = bytes(200)
    path.write_bytes(content)
    with rasterio.open(path) as dataset:
        dataset.read()  # raises nothing
    assert damage(path) == {"blocks": 25, "damaged": 1, "first_row": 128, "first_column": 384}


def test_strips_and_another_format_are_read_too(tmp_path: Path) -> None:
    strips = save(tmp_path / "a.tif", noisy(), compress="deflate", blockysize=8)
    require_whole(strips)
    content, place = bytearray(strips.read_bytes()), block(strips, 0, 70)
    content[place.start + 50] ^= 255
    strips.write_bytes(content)
    assert damage(strips) == {"blocks": 75, "damaged": 1, "first_row": 560, "first_column": 0}
    picture = save(tmp_path / "a.png", noisy(), driver="PNG")
    require_whole(picture)
    picture.write_bytes(picture.read_bytes()[:-3000])
    assert damage(picture)["damaged"] > 0


@pytest.mark.parametrize("place", ["mask", "overview"])
def test_masks_and_overviews_count(tmp_path: Path, place: str) -> None:
    path = save(tmp_path / "a.tif", noisy(), mask=np.ones((SIDE, SIDE), bool), compress="deflate", tiled=True)
    with rasterio.Env(COMPRESS_OVERVIEW="DEFLATE"), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2], Resampling.average)
    require_whole(path)
    with rasterio.open(f"GTIFF_DIR:{2 if place == 'mask' else 3}:{path}") as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    content = bytearray(path.read_bytes())
    content[offset + 5] ^= 255
    path.write_bytes(content)
    assert damage(path)["damaged"] == 1


def test_absent_blocks_are_no_damage_and_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=3, dtype="uint8", width=100_000, height=100_000, crs=UTM, transform=PLACE,
        tiled=True, blockxsize=512, blockysize=512, compress="deflate", sparse_ok=True, bigtiff="YES",
    ) as out:  # fmt: skip
        out.write(ground(512), window=rasterio.windows.Window(51_200, 51_200, 512, 512))
    require_whole(path)
    content, place = bytearray(path.read_bytes()), block(path, 100, 100)
    content[place.start + 50] ^= 255
    path.write_bytes(content)
    assert damage(path) == {"blocks": 1, "damaged": 1, "first_row": 51_200, "first_column": 51_200}


def test_no_raster_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\x00\x08\x00\x00\x00")
    with pytest.raises(DataError) as caught:
        require_whole(path)
    assert code_of(caught) == "raster.unreadable"


@needs_data
@pytest.mark.parametrize(
    "path",
    sorted((DATA / "geotiff").rglob("*.*")) + sorted((DATA / "odm_outputs").rglob("*.tif")),
    ids=lambda p: p.name,
)
def test_real_rasters_are_whole(path: Path) -> None:
    require_whole(path)
