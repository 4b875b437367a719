"""Every check of a COG sees the fault it is there for: sound COGs of something else, and broken ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy as gdal_copy
from rasterio.transform import from_origin
from rasterio.windows import Window

from aerodag.errors import EngineError
from aerodag.raster.cog import ARCHIVE, WEB, WEB_MERCATOR, WEB_WEBP, CogProfile, check_cog, make_cog
from aerodag.raster.cog.checks.layout import blocks_of
from aerodag.raster.gdal import environment, opened
from samples.rasters import PLACE, RGB, RGBA, SIDE, Array, ground, read, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rgba(tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif")


def cog_of(source: Path, path: Path, profile: CogProfile = ARCHIVE, **options: str) -> Path:
    """A sound COG by GDAL's driver, without any check."""
    with environment():
        gdal_copy(str(source), str(path), driver="COG", **(profile.options() | options))
    return path


def complaint(source: Path, path: Path, profile: CogProfile = ARCHIVE, seed: int = 1) -> str:
    with opened(source) as dataset, pytest.raises(EngineError) as caught:
        check_cog(dataset, path, profile, seed)
    assert caught.value.code == "raster.cog_invalid"
    return caught.value.message


def changed(rgba: Path, tmp_path: Path, values: Array | None = None, **options: Any) -> Path:
    """A sound COG of other values or of the same ones, placed or described otherwise."""
    values = read(rgba) if values is None else values
    return cog_of(save(tmp_path / "other.tif", values, RGBA, photometric="RGB", **options), tmp_path / "x.tif")


@pytest.mark.parametrize("profile", [ARCHIVE, WEB, WEB_WEBP, WEB_MERCATOR], ids=lambda p: p.compress + p.grid)
@pytest.mark.parametrize("seed", range(3))
def test_a_sound_one_passes(rgba: Path, tmp_path: Path, profile: CogProfile, seed: int) -> None:
    with opened(rgba) as dataset:
        checks = check_cog(dataset, cog_of(rgba, tmp_path / "x.tif", profile), profile, seed)
    assert checks.samples >= 4
    assert checks.pixels > 0
    assert len(checks.overviews) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crs": "EPSG:32616"}, "CRS"),
        ({"transform": from_origin(576_000.025, 5_188_000, 0.05, 0.05)}, "grid"),
        ({"transform": from_origin(576_000, 5_188_000, 0.050001, 0.05)}, "grid"),
        ({"nodata": 7}, "nodata"),
    ],
)
def test_another_place_or_meaning(rgba: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    assert message in complaint(rgba, changed(rgba, tmp_path, **options))


def test_another_size(rgba: Path, tmp_path: Path) -> None:
    assert "1299 x 1300 pixels" in complaint(rgba, changed(rgba, tmp_path, read(rgba)[:, :, 1:]))


def test_lost_descriptions(rgba: Path, tmp_path: Path) -> None:
    source = save(tmp_path / "a.tif", read(rgba), RGBA, photometric="RGB")
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(flight="A")
        dataset.descriptions = ("a", "b", "c", "d")
    message = complaint(source, changed(rgba, tmp_path))
    assert "tags" in message
    assert "band descriptions" in message


def test_swapped_bands(rgba: Path, tmp_path: Path) -> None:
    assert "pixels differ" in complaint(rgba, changed(rgba, tmp_path, read(rgba)[[2, 1, 0, 3]]))


def test_swapped_bands_in_a_lossy_one(rgba: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "other.tif", read(rgba)[[2, 1, 0, 3]], RGBA, photometric="RGB")
    assert "grey levels off" in complaint(rgba, cog_of(other, tmp_path / "x.tif", WEB), WEB)


@pytest.mark.parametrize("profile", [ARCHIVE, WEB, WEB_WEBP], ids=lambda profile: profile.compress)
def test_a_broken_mask(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    values = read(rgba)
    values[3, 600:720] = 0
    other = save(tmp_path / "other.tif", values, RGBA, photometric="RGB")
    assert "mask differs" in complaint(rgba, cog_of(other, tmp_path / "x.tif", profile), profile)


def test_lost_half_tones(rgba: Path, tmp_path: Path) -> None:
    values = read(rgba)
    values[3] = values[3] // 255 * 128
    source = save(tmp_path / "a.tif", values, RGBA, photometric="RGB")
    assert "alpha differs" in complaint(source, cog_of(rgba, tmp_path / "x.tif", WEB_WEBP), WEB_WEBP)


@pytest.mark.parametrize("lost", [True, False], ids=["lost", "invented"])
@pytest.mark.parametrize("seed", range(3))
def test_a_sparse_raster_is_compared_where_it_has_something(tmp_path: Path, lost: bool, seed: int) -> None:
    paths = []
    for name, value in (("full", 200), ("empty", 0)):
        path = tmp_path / f"{name}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=6_000, height=6_000, count=4, dtype="uint8", crs="EPSG:32615",
            transform=PLACE, tiled=True, compress="deflate", sparse_ok=True, photometric="RGB",
        ) as out:  # fmt: skip
            out.colorinterp = RGBA
            if value:
                out.write(np.full((4, 300, 300), value, dtype=np.uint8), window=Window(4_500, 3_300, 300, 300))
        paths.append(path)
    source, other = paths if lost else paths[::-1]
    assert "mask differs" in complaint(source, cog_of(other, tmp_path / "x.tif"), seed=seed)


def with_overviews_of(values: Array, real: Array, path: Path, profile: CogProfile) -> Path:
    """A sound COG of ``real`` whose overviews were made of ``values``."""
    source = save(path.with_suffix(".source.tif"), values, RGBA[: len(real)], photometric="RGB", tiled=True)
    with rasterio.open(source, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.average)
    with rasterio.open(source, "r+") as dataset:
        dataset.write(real)
    return cog_of(source, path, profile, OVERVIEWS="FORCE_USE_EXISTING")


@pytest.mark.parametrize("profile", [ARCHIVE, WEB_WEBP], ids=lambda profile: profile.compress)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("zeroed", "valid in one and not in the other"),
        ("black", "off"),
        ("shifted", "off"),
    ],
)
def test_wrong_overviews(rgba: Path, tmp_path: Path, profile: CogProfile, fault: str, message: str) -> None:
    real = read(rgba)
    values = real.copy()
    if fault == "zeroed":
        values[:] = 0
    elif fault == "black":
        values[:3] = 0
    else:
        values[:3] = np.roll(real[:3], 100, axis=1)
    found = complaint(rgba, with_overviews_of(values, real, tmp_path / "x.tif", profile), profile)
    assert "overview 0" in found
    assert message in found


def test_wrong_overviews_of_jpeg(tmp_path: Path) -> None:
    source = save(tmp_path / "a.tif", ground(), RGB, photometric="RGB")
    path = with_overviews_of(np.roll(ground(), 100, axis=1), ground(), tmp_path / "x.tif", WEB)
    assert "overview 0, column" in complaint(source, path, WEB)


def test_no_overviews(rgba: Path, tmp_path: Path) -> None:
    assert "layout is not valid" in complaint(rgba, cog_of(rgba, tmp_path / "x.tif", OVERVIEWS="NONE"))


def test_averaged_classes(tmp_path: Path) -> None:
    values = np.random.default_rng(0).choice(np.array([0, 100], dtype=np.uint8), (1, SIDE, SIDE))
    source = save(tmp_path / "a.tif", values, photometric="palette")
    with rasterio.open(source, "r+") as dataset:
        dataset.write_colormap(1, {value: (value, value, value, 255) for value in range(256)})
    assert "a class that their ground has not" in complaint(source, cog_of(source, tmp_path / "x.tif"))


def test_a_plain_tiff_is_no_cog(rgba: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    gdal_copy(str(rgba), str(path), driver="GTiff", TILED="YES", BLOCKXSIZE="512", BLOCKYSIZE="512")
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.average)
    assert "layout is not valid" in complaint(rgba, path)


def test_right_order_without_the_driver_is_not_enough(rgba: Path, tmp_path: Path) -> None:
    small = save(tmp_path / "a.tif", read(rgba)[:, :300, :300], RGBA, photometric="RGB")
    gdal_copy(str(small), str(tmp_path / "x.tif"), driver="GTiff")
    assert "does not recognise its layout" in complaint(small, tmp_path / "x.tif")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_edited_afterwards(rgba: Path, tmp_path: Path) -> None:
    path = cog_of(rgba, tmp_path / "x.tif")
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.update_tags(flight="B" * 1000)
    assert "layout" in complaint(rgba, path)


@pytest.mark.parametrize("profile", [ARCHIVE, WEB], ids=lambda profile: profile.compress)
def test_a_broken_frame_of_any_block(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    path = cog_of(rgba, tmp_path / "x.tif", profile)
    with rasterio.open(path) as dataset:
        blocks = blocks_of(dataset)
    with path.open("r+b") as file:
        file.seek(int(blocks.offsets[4]) - 4)
        file.write(b"\xff\xff")
    assert "not framed" in complaint(rgba, path, profile)


def test_a_truncated_file(rgba: Path, tmp_path: Path) -> None:
    path = cog_of(rgba, tmp_path / "x.tif")
    os.truncate(path, path.stat().st_size - 3)
    assert "not framed" in complaint(rgba, path)


def relabelled(source: Path, tmp_path: Path) -> Path:
    """What ``-a_srs`` does: the numbers of one CRS under the name of another, with the grid of no zoom level."""
    other = save(tmp_path / "other.tif", read(source), RGBA, photometric="RGB", crs="EPSG:3857")
    return cog_of(other, tmp_path / "x.tif", WEB)


def test_web_mercator_relabelled(rgba: Path, tmp_path: Path) -> None:
    assert "not that of web maps" in complaint(rgba, relabelled(rgba, tmp_path), WEB_MERCATOR)


def test_web_mercator_relabelled_and_put_on_the_grid(rgba: Path, tmp_path: Path) -> None:
    relabelled(rgba, tmp_path)
    path = cog_of(tmp_path / "other.tif", tmp_path / "y.tif", WEB_MERCATOR)
    assert "bounds are not the source's" in complaint(rgba, path, WEB_MERCATOR)


def test_web_mercator_not_reprojected(rgba: Path, tmp_path: Path) -> None:
    assert "not EPSG:3857" in complaint(rgba, cog_of(rgba, tmp_path / "x.tif", WEB), WEB_MERCATOR)


@pytest.mark.parametrize("fault", ["shifted", "mirrored", "emptied", "swapped"])
def test_web_mercator_with_other_ground(tmp_path: Path, fault: str) -> None:
    source = save(tmp_path / "a.tif", np.concatenate([ground(), np.full((1, SIDE, SIDE), 255, np.uint8)]), RGBA,
                  photometric="RGB")  # fmt: skip
    right = make_cog(source, tmp_path / "right.tif", WEB_MERCATOR).path
    with rasterio.open(right) as dataset:
        values, mask, profile = dataset.read(), dataset.dataset_mask(), dataset.profile
    change = {
        "shifted": lambda array: np.roll(array, 40, axis=-1),
        "mirrored": lambda array: array[..., ::-1, :],
        "emptied": lambda array: array,
        "swapped": lambda array: array[::-1] if array.ndim == 3 else array,
    }[fault]
    other = save(tmp_path / "b.tif", change(values), RGB, mask=np.zeros_like(mask) if fault == "emptied" else
                 change(mask), photometric="RGB", crs="EPSG:3857", transform=profile["transform"])  # fmt: skip
    assert "column" in complaint(source, cog_of(other, tmp_path / "x.tif", WEB), WEB_MERCATOR)
