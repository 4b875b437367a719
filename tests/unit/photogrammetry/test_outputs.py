"""What lies beside an engine's orthophoto."""

from __future__ import annotations

from pathlib import Path

from aerodag.photogrammetry import mesh_parts, outputs


def put(project: Path, *names: str) -> None:
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(b"x")


def test_only_what_is_there_and_not_empty(tmp_path: Path) -> None:
    put(tmp_path, "odm_dem/dsm.tif", "cameras.json", "odm_report/report.pdf")
    (tmp_path / "odm_report" / "report.pdf").write_bytes(b"")
    assert outputs(tmp_path) == {"dsm": tmp_path / "odm_dem/dsm.tif", "cameras": tmp_path / "cameras.json"}


def test_the_better_of_two_forms(tmp_path: Path) -> None:
    folder = "odm_georeferencing"
    put(tmp_path, f"{folder}/odm_georeferenced_model.laz", f"{folder}/odm_georeferenced_model.copc.laz")
    assert outputs(tmp_path)["point_cloud"].name == "odm_georeferenced_model.copc.laz"


def test_a_mesh_of_several_files(tmp_path: Path) -> None:
    folder = "odm_texturing"
    names = ["geo.obj", "geo.mtl", "geo_material0000_map_Kd.png", "conf.txt"]
    put(tmp_path, *(f"{folder}/odm_textured_model_{name}" for name in names), f"{folder}/other.png")
    found = mesh_parts(outputs(tmp_path)["mesh"])
    assert [path.name.removeprefix("odm_textured_model_") for path in found] == names[:3]


def test_a_mesh_in_one_file(tmp_path: Path) -> None:
    put(tmp_path, "odm_texturing/odm_textured_model_geo.obj", "odm_texturing/odm_textured_model_geo.glb")
    mesh = outputs(tmp_path)["mesh"]
    assert (mesh.suffix, mesh_parts(mesh)) == (".glb", [mesh])
