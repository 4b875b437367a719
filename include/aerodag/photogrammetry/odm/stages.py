"""The stages of OpenDroneMap's chain: their order, their weight, and what they leave in the project directory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage by the name that ODM's log gives it.

    ``percent`` is ODM's own progress (0-100, cumulative) at its end; ``writes`` are folders relative to the project
    that belong to this stage alone, so that removing them undoes it.
    """

    name: str
    percent: float
    writes: tuple[str, ...] = ()


# In ODM's order, with the cumulative progress of stages/odm_app.py. split and merge count only for split datasets.
STAGES = (
    Stage("dataset", 5),
    Stage("split", 5, ("submodels",)),
    Stage("merge", 5),
    Stage("opensfm", 25, ("opensfm",)),
    Stage("openmvs", 50, ("opensfm/undistorted/openmvs",)),
    Stage("odm_filterpoints", 52, ("odm_filterpoints",)),
    Stage("odm_meshing", 60, ("odm_meshing",)),
    Stage("mvs_texturing", 70, ("odm_texturing", "odm_texturing_25d")),
    Stage("odm_georeferencing", 80, ("odm_georeferencing",)),
    Stage("odm_dem", 90, ("odm_dem",)),
    Stage("odm_orthophoto", 98, ("odm_orthophoto",)),
    Stage("odm_report", 99, ("odm_report",)),
    Stage("odm_postprocess", 100),
)

BY_NAME = {stage.name: stage for stage in STAGES}
ORDER = {stage.name: number for number, stage in enumerate(STAGES)}

# All that a run leaves beside its inputs: images/, geo.txt, gcp_list.txt.
PRODUCTS = (
    *(folder for stage in STAGES for folder in stage.writes if "/" not in folder),
    "3d_tiles", "entwine_pointcloud", "cameras.json", "images.json", "img_list.txt",
    "benchmark.txt", "log.json", "options.json",
)  # fmt: skip
