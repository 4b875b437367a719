"""What lies beside the engine's orthophoto goes on storage and on record, with what its heights refer to."""

from __future__ import annotations

import zipfile
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.ledger import ImageRecord
from aerodag.pipeline.products.companions import publish_companions
from cases.products import ProductFlow
from samples.rasters import UTM, ground, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture
def flow(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> ProductFlow:
    """A run whose three images are positioned by exposure marks, and its engine's project."""
    flow = ProductFlow(ledger_connection, database_url, tmp_path)
    flow.open(flow.upload(save_rgba(tmp_path / "map.tif", 64)))
    images = [
        ImageRecord(
            zip_path=f"{number}.jpg", engine_name=f"{number}.jpg", status="assigned", longitude=-92.0, latitude=46.8,
            position_source="mrk",
        )
        for number in range(3)
    ]  # fmt: skip
    ledger.replace_images(flow.conn, dataset_id=flow.context.dataset.id, images=images)
    project = flow.context.project
    for name in ("odm_georeferencing/odm_georeferenced_model.laz", "odm_report/report.pdf", "cameras.json"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(name.encode())
    (project / "odm_dem").mkdir()
    save(project / "odm_dem" / "dsm.tif", ground(64)[:1].astype("float32"), nodata=-9999)
    (project / "odm_texturing").mkdir()
    for suffix in (".obj", ".mtl", "_material0000_map_Kd.png"):
        (project / "odm_texturing" / f"odm_textured_model_geo{suffix}").write_bytes(suffix.encode())
    return flow


def test_everything_is_on_record(flow: ProductFlow) -> None:
    made = publish_companions(flow.context, UTM)
    assert set(made) == {"dsm", "point_cloud", "mesh", "report", "cameras"}
    flow.require_whole()
    dsm, cloud, mesh, report = (flow.artifact(kind) for kind in ("dsm", "point_cloud", "mesh", "report"))
    assert (dsm.crs, cloud.crs, mesh.crs, report.crs) == (UTM, UTM, UTM, None)
    assert dsm.gsd_m == pytest.approx(0.05, rel=0.01)
    assert {artifact.details.get("height_datum") for artifact in (dsm, cloud, mesh)} == {"ellipsoidal"}
    assert flow.file("point_cloud").name == f"{dsm.dataset_id}_point_cloud.laz"
    with zipfile.ZipFile(flow.file("mesh")) as bundle:
        assert sorted(bundle.namelist()) == sorted(
            f"odm_textured_model_geo{suffix}" for suffix in (".obj", ".mtl", "_material0000_map_Kd.png")
        )


def test_ground_control_without_a_datum_makes_heights_unknown(flow: ProductFlow) -> None:
    (flow.context.project / "gcp_list.txt").write_text("EPSG:32615\n")
    publish_companions(flow.context, UTM)
    details = flow.artifact("dsm").details
    assert details["height_datum"] == "unknown"
    assert "ground control" in details["height_datum_reason"]
