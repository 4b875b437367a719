"""Where an engine leaves what it made beside the orthophoto: ODM's file names, which every engine here writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

# Kind of product, and its file below the project directory; the first of several that is there.
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "dsm": ("odm_dem/dsm.tif",),
    "dtm": ("odm_dem/dtm.tif",),
    "point_cloud": (
        "odm_georeferencing/odm_georeferenced_model.copc.laz",
        "odm_georeferencing/odm_georeferenced_model.laz",
    ),
    "mesh": ("odm_texturing/odm_textured_model_geo.glb", "odm_texturing/odm_textured_model_geo.obj"),
    "report": ("odm_report/report.pdf",),
    "statistics": ("odm_report/stats.json",),
    "shots": ("odm_report/shots.geojson",),
    "cameras": ("cameras.json",),
}


def outputs(project: Path) -> dict[str, Path]:
    """The files of ``project`` by kind; those that are missing or empty are left out."""
    found = {}
    for kind, names in _FILES.items():
        paths = (project / name for name in names)
        path = next((path for path in paths if path.is_file() and path.stat().st_size > 0), None)
        if path is not None:
            found[kind] = path
    return found


def mesh_parts(mesh: Path) -> list[Path]:
    """A textured model as one or several files: an OBJ needs its materials and textures, a GLB holds them."""
    if mesh.suffix != ".obj":
        return [mesh]
    beside = (path for path in mesh.parent.iterdir() if path.stem.startswith(mesh.stem) and path != mesh)
    return [mesh, *sorted(path for path in beside if path.suffix.lower() in {".mtl", ".png", ".jpg"})]
