"""Every option of OpenDroneMap's command line: its kind and limits, who may give it, and where it takes effect."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = bool | int | float | str

FLAVOURS = ("odm", "odx")

_OWN = "aerodag sets it itself"
_OPTIONS_OF_THE_RUN = "use the run's own parameter instead"
_PRODUCT = "aerodag makes this product itself from the orthophoto, with a known GDAL"
_SPLIT = "datasets are processed in one piece"
_DEPRECATED = "ODM has dropped it and ignores it"
_VIDEO = "videos are not processed, only images"


class Kind(StrEnum):
    """What an option's value is."""

    FLAG = "flag"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option by its name without dashes.

    ``minimum`` and ``maximum`` are inclusive and None where none is known. ``stage`` is the first stage that another
    value changes, by ODM's own table (``rerun_stages`` in opendm/config.py), None where results stay the same.
    ``refusal`` says why a person may not give it; empty where they may. ``needs_models`` marks those that load AI
    models at run time.
    """

    name: str
    kind: Kind
    description: str
    stage: str | None = None
    choices: tuple[str, ...] = ()
    odx_choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    flavours: tuple[str, ...] = FLAVOURS
    refusal: str = ""
    needs_models: bool = False

    def choices_of(self, flavour: str) -> tuple[str, ...]:
        """The values that this flavour takes."""
        return self.odx_choices if flavour == "odx" and self.odx_choices else self.choices

    def allowed(self, models: bool) -> bool:
        """Whether a person may give it; ``models`` tells whether the AI models are at hand."""
        return not self.refusal and (models or not self.needs_models)


def _flag(name: str, stage: str | None, description: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.FLAG, stage=stage, description=description, **more)


def _integer(name: str, stage: str | None, minimum: float, description: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.INTEGER, stage=stage, minimum=minimum, description=description, **more)


def _number(name: str, stage: str | None, minimum: float | None, description: str, **more: Any) -> Option:
    return Option(name=name, kind=Kind.NUMBER, stage=stage, minimum=minimum, description=description, **more)


def _choice(name: str, stage: str | None, choices: str, description: str, **more: Any) -> Option:
    return Option(
        name=name, kind=Kind.CHOICE, stage=stage, choices=tuple(choices.split()), description=description, **more
    )


def _refused(refusal: str, names: str, kind: Kind = Kind.FLAG) -> Iterable[Option]:
    return (Option(name=name, kind=kind, description="", refusal=refusal) for name in names.split())


_QUALITIES = "ultra high medium low lowest"

_FEATURES = (
    _choice("feature-type", "opensfm", "akaze dspsift hahog orb sift", "Features; only sift can use a GPU."),
    _choice("feature-quality", "opensfm", _QUALITIES, "Size of the images in which features are sought; high."),
    _integer("min-num-features", "opensfm", 1, "Features per image; 10000. More help in forest and over crops."),
    _choice(
        "matcher-type", "opensfm", "bow bruteforce flann", "How features are matched.",
        odx_choices=("auto", "bow", "bruteforce", "flann", "hamming"),
    ),
    _integer("matcher-neighbors", "opensfm", 0, "Match with so many nearest images; 0 chooses by triangulation."),
    _integer("matcher-order", "opensfm", 0, "Match with so many images next by name, where there is no GPS."),
    _flag("use-fixed-camera-params", "opensfm", "Keep the camera's parameters as they are given."),
    _choice(
        "camera-lens", "dataset", "auto perspective brown fisheye fisheye_opencv spherical equirectangular dual",
        "Model of the lens.",
    ),
    _flag("use-hybrid-bundle-adjustment", "opensfm", "Adjust locally, and globally every 100 images."),
    _choice(
        "sfm-algorithm", "opensfm", "incremental triangulation planar",
        "triangulation needs the angles of all images.", odx_choices=("incremental", "triangulation"),
    ),
    _flag("sfm-no-partial", "opensfm", "Do not merge partial reconstructions."),
    _flag("sky-removal", "dataset", "Mask the sky by an AI model.", needs_models=True),
    _flag("bg-removal", "dataset", "Mask the background by an AI model.", needs_models=True),
    _flag("rolling-shutter", "opensfm", "Correct for a rolling shutter."),
    _number("rolling-shutter-readout", "opensfm", 0, "Readout time in ms; 0 looks the camera up."),
    _flag("ignore-gsd", "opensfm", "Do not limit sizes by the ground sampling distance; takes much memory."),
    _choice("radiometric-calibration", "opensfm", "none camera camera+sun", "Reflectance for multispectral images."),
    Option(name="primary-band", kind=Kind.TEXT, stage="dataset", description="Band that steers the alignment; auto."),
    _flag("skip-band-alignment", "opensfm", "The bands are aligned already."),
)  # fmt: skip

_PLACE = (
    _flag("use-exif", "dataset", "Ignore the ground control points."),
    _flag("force-gps", "opensfm", "Use the images' positions together with ground control points."),
    _number("gps-z-offset", "dataset", None, "Metres added to every altitude."),
    _flag("auto-boundary", "odm_filterpoints", "Limit the reconstruction to the cameras' surroundings."),
    _number("auto-boundary-distance", "odm_filterpoints", 0, "Metres around the cameras; 0 chooses."),
    _number("crop", "odm_georeferencing", 0, "Metres cropped at the edge; 3, 0 crops nothing."),
)

_DENSE = (
    # ODM redoes everything from opensfm for pc-quality. The undistorted images, its reason, hardly depend on it at
    # native resolution, and matching again would cost hours.
    _choice("pc-quality", "openmvs", _QUALITIES, "Density of the point cloud; medium. A step takes 4 times as long."),
    _number("pc-filter", "openmvs", 0, "Remove points beyond so many standard deviations; 5."),
    _number("pc-sample", "odm_filterpoints", 0, "Keep one point within so many metres; 0 keeps all."),
    _flag("pc-skip-geometric", "openmvs", "Do without geometrically consistent depth maps."),
    _flag("pc-classify", "odm_georeferencing", "Classify the points."),
    _flag("pc-rectify", "odm_georeferencing", "Correct the classification.", flavours=("odm",)),
    _flag("pc-csv", "odm_georeferencing", "Also write the point cloud as CSV."),
    _flag("pc-las", "odm_georeferencing", "Also write the point cloud as LAS."),
    _flag("pc-ept", "odm_georeferencing", "Also write the point cloud as EPT."),
    _flag("pc-copc", "odm_georeferencing", "Also write the point cloud as COPC."),
    _integer("mesh-size", "odm_meshing", 1, "Vertices of the mesh; 200000."),
    _integer("mesh-octree-depth", "odm_meshing", 1, "Detail of the mesh; 11.", maximum=14),
    _flag("use-3dmesh", "mvs_texturing", "Make the orthophoto from the full 3D mesh."),
    _flag("skip-3dmodel", "odm_meshing", "Make no 3D model."),
    _flag("gltf", "odm_postprocess", "Also write the 3D model as GLB."),
    _flag("3d-tiles", "odm_postprocess", "Also write OGC 3D tiles."),
    _flag("texturing-skip-global-seam-leveling", "mvs_texturing", "Do not even the colours out."),
    _flag("texturing-keep-unseen-faces", "mvs_texturing", "Keep faces that no camera saw."),
    _flag("texturing-single-material", "mvs_texturing", "One texture file for the 3D model."),
)

_RASTERS = (
    _flag("dsm", "odm_dem", "Make a surface model."),
    _flag("dtm", "odm_dem", "Make a terrain model."),
    _number("dem-resolution", "odm_dem", 0.1, "Pixels of the elevation models in cm; 5."),
    _integer("dem-gapfill-steps", "odm_dem", 0, "Steps to fill gaps; 3."),
    _integer("dem-decimation", "odm_dem", 1, "Use every n-th point; 1."),
    _flag("dem-euclidean-map", "odm_dem", "Also write the distance to the nearest gap."),
    _number("smrf-scalar", "odm_dem", 0, "Ground filter: elevation scalar; 1.25."),
    _number("smrf-slope", "odm_dem", 0, "Ground filter: slope; 0.15."),
    _number("smrf-threshold", "odm_dem", 0, "Ground filter: threshold in metres; 0.5."),
    _number("smrf-window", "odm_dem", 0, "Ground filter: window in metres; 18."),
    _number("orthophoto-resolution", "odm_orthophoto", 0.1, "Pixels in cm; as fine as the images when not given."),
    # Without dense points the chain has no openmvs at all, so the change is felt there.
    _flag("fast-orthophoto", "openmvs", "Make the orthophoto without dense points."),
    _choice("orthophoto-compression", "odm_orthophoto", "JPEG LZW PACKBITS DEFLATE LZMA NONE", "Of ODM's own file."),
    _flag("orthophoto-no-tiled", "odm_orthophoto", "Write ODM's own file in stripes."),
    _flag("orthophoto-cutline", "odm_orthophoto", "Also write a cutline along features."),
    _flag("skip-report", "odm_report", "No report; then the statistics are missing too."),
    Option(
        name="report-units", kind=Kind.CHOICE, stage="odm_report", choices=("m", "ft", "US survey foot"),
        description="Units of the report.", flavours=("odx",),
    ),
)  # fmt: skip

_REFUSED = (
    *_refused(_OWN, "project-path name max-concurrency gps-accuracy geo gcp boundary copy-to", Kind.TEXT),
    *_refused("it names a file, which a run cannot bring", "cameras align", Kind.TEXT),
    *_refused(_OPTIONS_OF_THE_RUN, "no-gpu rerun-all"),
    *_refused(_OPTIONS_OF_THE_RUN, "rerun rerun-from", Kind.TEXT),
    *_refused(_PRODUCT, "cog tiles build-overviews orthophoto-png orthophoto-kmz"),
    *_refused("a run needs the orthophoto", "skip-orthophoto"),
    *_refused("a run needs the orthophoto", "end-with", Kind.TEXT),
    *_refused("it removes what a restart needs", "optimize-disk-space"),
    *_refused("it processes nothing", "version help"),
    *_refused(_SPLIT, "sm-no-align merge-skip-blending"),
    *_refused(_SPLIT, "split split-overlap split-image-groups sm-cluster merge", Kind.TEXT),
    *_refused(_VIDEO, "video-limit video-resolution", Kind.INTEGER),
    *_refused(
        _DEPRECATED,
        "verbose debug time resize-to depthmap-resolution pc-geometric texturing-data-term "
        "texturing-outlier-removal-type texturing-tone-mapping texturing-skip-local-seam-leveling",
    ),
)

OPTIONS = {option.name: option for option in (*_FEATURES, *_PLACE, *_DENSE, *_RASTERS, *_REFUSED)}

TEXT_PATTERN = "^[A-Za-z0-9][A-Za-z0-9 _-]*$"  # with a dash in front it would be another option

_JSON_TYPES = {
    Kind.FLAG: "boolean",
    Kind.INTEGER: "integer",
    Kind.NUMBER: "number",
    Kind.TEXT: "string",
    Kind.CHOICE: "string",
}


def json_schema(flavours: Collection[str] = FLAVOURS, *, models: bool = False) -> dict[str, Any]:
    """The schema of an object of options that a person may give to one of ``flavours``; nothing else passes."""
    properties = {
        name: _property(option, flavours)
        for name, option in sorted(OPTIONS.items())
        if option.allowed(models) and set(option.flavours) & set(flavours)
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(option: Option, flavours: Collection[str]) -> dict[str, Any]:
    choices = sorted({choice for flavour in flavours for choice in option.choices_of(flavour)})
    details: dict[str, Any] = {
        "type": _JSON_TYPES[option.kind],
        "enum": choices or None,
        "pattern": TEXT_PATTERN if option.kind is Kind.TEXT else None,
        "minimum": option.minimum,
        "maximum": option.maximum,
        "description": option.description,
    }
    return {key: detail for key, detail in details.items() if detail is not None}
