"""The web COG: light, with a mask or alpha that is right to the pixel, on its own grid or on that of web maps."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.enums import MaskFlags
from rasterio.transform import Affine, from_origin

from aerodag.errors import DataError
from aerodag.raster.cog import WEB, WEB_MERCATOR, WEB_WEBP, CogProfile, make_cog, web_profile
from samples.rasters import RGB, RGBA, Array, disc, ground, read, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
MERCATOR_WEBP = web_profile("WEBP", grid="web_mercator")
EARTH = 40_075_016.685578488


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rgba(tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif")


@pytest.fixture(scope="module")
def half_tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Opaque on the left, then every opacity down to 1, then nothing."""
    alpha = np.zeros((600, 600), dtype=np.uint8)
    alpha[:, :200] = 255
    alpha[:, 200:455] = np.arange(255, 0, -1)
    values = np.concatenate([ground(600) * (alpha > 0), alpha[np.newaxis]]).astype(np.uint8)
    return save(tmp_path_factory.mktemp("rasters") / "a.tif", values, RGBA, photometric="RGB")


def test_jpeg_has_colours_and_a_mask(rgba: Path, tmp_path: Path) -> None:
    report = make_cog(rgba, tmp_path / "x.tif", WEB)
    assert 0 < report.largest_mean_error < 5
    assert report.bytes < rgba.stat().st_size / 2
    with rasterio.open(report.path) as dataset:
        assert (dataset.count, dataset.compression.value, dataset.photometric.value) == (3, "JPEG", "YCbCr")
        assert dataset.mask_flag_enums[0] == [MaskFlags.per_dataset]
        assert ((dataset.dataset_mask() > 0) == disc()).all()


def test_webp_has_alpha(rgba: Path, tmp_path: Path) -> None:
    report = make_cog(rgba, tmp_path / "x.tif", WEB_WEBP)
    assert 0 < report.largest_mean_error < 5
    with rasterio.open(report.path) as dataset:
        assert (dataset.count, dataset.compression.value, dataset.colorinterp) == (4, "WEBP", tuple(RGBA))
        assert ((dataset.dataset_mask() > 0) == disc()).all()


def test_half_tones_are_kept_by_webp_and_shown_by_jpeg(half_tones: Path, tmp_path: Path) -> None:
    opacity = read(half_tones)[3]
    assert (read(make_cog(half_tones, tmp_path / "webp.tif", WEB_WEBP).path)[3] == opacity).all()
    with rasterio.open(make_cog(half_tones, tmp_path / "jpeg.tif", WEB).path) as dataset:
        assert ((dataset.dataset_mask() == 255) == (opacity > 0)).all()


@pytest.mark.parametrize("profile", [WEB, WEB_WEBP], ids=lambda profile: profile.compress)
def test_an_internal_mask_is_kept(tmp_path: Path, profile: CogProfile) -> None:
    inside = disc()
    source = save(tmp_path / "a.tif", ground() * inside, RGB, mask=inside, photometric="RGB")
    with rasterio.open(make_cog(source, tmp_path / "b.tif", profile).path) as dataset:
        assert dataset.count == 3
        assert ((dataset.dataset_mask() > 0) == inside).all()
    with rasterio.open(tmp_path / "b.tif", OVERVIEW_LEVEL=1) as overview:
        assert 0.45 < (overview.dataset_mask() > 0).mean() < 0.55


def test_quality_is_what_the_profile_says(rgba: Path, tmp_path: Path) -> None:
    sizes = [make_cog(rgba, tmp_path / "x.tif", web_profile(quality=quality)).bytes for quality in (30, 60, 95)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (ground(64).astype(np.uint16), {}),
        (ground(64)[:1], {}),
        (np.resize(ground(64), (5, 64, 64)), {}),
        (ground(64), {"nodata": 0}),
        (np.resize(ground(64), (4, 64, 64)), {"colours": [RGBA[3], *RGB], "photometric": "MINISBLACK"}),
    ],
    ids=["deep", "grey", "multispectral", "nodata", "alpha_first"],
)
def test_lossy_takes_colours_only(tmp_path: Path, values: Array, options: dict[str, object]) -> None:
    source = save(tmp_path / "a.tif", values, **options)  # type: ignore[arg-type]
    with pytest.raises(DataError) as caught:
        make_cog(source, tmp_path / "b.tif", WEB)
    assert caught.value.code == "raster.not_rgb"
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".tif"] == ["a.tif"]


@pytest.mark.parametrize("profile", [WEB_MERCATOR, MERCATOR_WEBP], ids=lambda profile: profile.compress)
def test_web_mercator_is_the_same_ground(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    report = make_cog(rgba, tmp_path / "x.tif", profile)
    assert report.pixels_compared > 100_000
    with rasterio.open(rgba) as before, rasterio.open(report.path) as after:
        assert after.crs.to_epsg() == 3857
        zoom = np.log2(EARTH / 256 / after.transform.a)
        assert zoom == pytest.approx(round(zoom), abs=1e-9)
        assert after.block_shapes[0] == (512, 512)
        columns, rows = np.meshgrid(np.arange(100, 1200, 50) + 0.5, np.arange(100, 1200, 50) + 0.5)
        x, y = before.transform * (columns, rows)
        x, y = Transformer.from_crs(before.crs, after.crs, always_xy=True).transform(x, y)
        column, row = ~after.transform * (np.asarray(x), np.asarray(y))
        place = (row.astype(int), column.astype(int))
        inside = disc()[rows.astype(int), columns.astype(int)]
        assert ((after.dataset_mask()[place] > 0) == inside).all()
        expected = before.read([1, 2, 3])[:, rows.astype(int), columns.astype(int)].astype(int)
        assert np.abs(after.read([1, 2, 3])[:, *place] - expected)[:, inside].mean() < 3


@pytest.mark.parametrize(
    "placed",
    [
        {"crs": "EPSG:4326", "transform": from_origin(-92, 46.85, 7e-7, 7e-7)},
        {"crs": "EPSG:2264", "transform": from_origin(1_400_000, 600_000, 0.3, 0.3)},
        {"transform": Affine(0.04, 0.03, 576_000, 0.03, -0.04, 5_188_000)},
        {"transform": Affine(0.05, 0, 576_000, 0, 0.05, 5_188_000)},
    ],
    ids=["geographic", "feet", "rotated", "south_up"],
)
def test_web_mercator_from_anywhere(tmp_path: Path, placed: dict[str, object]) -> None:
    source = save(tmp_path / "a.tif", ground(700), RGB, photometric="RGB", **placed)  # type: ignore[arg-type]
    report = make_cog(source, tmp_path / "b.tif", WEB_MERCATOR)
    with rasterio.open(report.path) as dataset:
        assert dataset.count == 3
        assert dataset.mask_flag_enums[0] == [MaskFlags.per_dataset]
        assert not dataset.dataset_mask()[0, 0]


@pytest.mark.skipif(shutil.which("gdal_translate") is None, reason="GDAL's command line is not installed")
@pytest.mark.parametrize("profile", [WEB, WEB_WEBP, WEB_MERCATOR], ids=lambda profile: profile.compress + profile.grid)
def test_the_command_line_makes_a_picture_like_it(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    options = [f"{name}={value}" for name, value in profile.options().items()]
    peer = tmp_path / "peer.tif"
    command = ["gdal_translate", "-q", "-of", "COG", *(word for option in options for word in ("-co", option))]
    subprocess.run([*command, str(rgba), str(peer)], check=True)
    ours = make_cog(rgba, tmp_path / "ours.tif", profile).path
    with rasterio.open(peer) as theirs, rasterio.open(ours) as own:
        assert (theirs.transform, theirs.crs, theirs.shape) == (own.transform, own.crs, own.shape)
        assert theirs.overviews(1) == own.overviews(1)
        valid = theirs.dataset_mask() > 0
        assert (valid != (own.dataset_mask() > 0)).mean() < 0.001
        both = valid & (own.dataset_mask() > 0)
        assert np.abs(theirs.read([1, 2, 3]).astype(int) - own.read([1, 2, 3]))[:, both].mean() < 2
