"""Real rasters through the whole room: described, standardised, written as COG and drawn small."""

from __future__ import annotations

from pathlib import Path

import pytest

from aerodag.raster.cog import ARCHIVE, WEB, make_cog
from aerodag.raster.extent.describe import describe
from aerodag.raster.picture.thumbnail import make_thumbnails
from aerodag.raster.standard.standardising import standardise
from samples.rasters import DATA, needs_data

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@needs_data
@pytest.mark.parametrize(
    "path",
    [
        "odm_outputs/nodeodm_fixture/odm_orthophoto/odm_orthophoto.tif",
        "odm_outputs/nodeodm_fixture/odm_dem/dsm.tif",
        "geotiff/forest_ortho/OSBS_029.tif",
        "geotiff/rio_cogeo/image_nodata.tif",
        "geotiff/rio_cogeo/image_rgba.tif",
        "geotiff/rio_cogeo/image_web.tif",
        "geotiff/rio_cogeo/image_51px.tif",
        "geotiff/rio_cogeo/validate/image_external.tif",
        "geotiff/rio_cogeo/validate/image_no_overview.tif",
    ],
)
def test_real_rasters_go_all_the_way(tmp_path: Path, path: str) -> None:
    source = DATA / path
    before = describe(source)
    standard = standardise(source, tmp_path / "standard.tif").path
    for profile in (ARCHIVE, WEB):
        cog = make_cog(standard, tmp_path / f"{profile.name}.tif", profile).path
        after = describe(cog)
        assert (after.crs, after.width, after.height) == (before.crs, before.width, before.height)
        assert after.bbox == pytest.approx(before.bbox, abs=1e-12)
        assert after.valid_ratio == pytest.approx(before.valid_ratio, abs=0.02)
        assert make_thumbnails(cog, [(tmp_path / f"{profile.name}.webp", 512)])[0].bytes > 0
