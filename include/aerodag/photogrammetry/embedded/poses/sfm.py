"""Structure from motion in a process of its own: the only module of the project that imports pycolmap.

``python -m aerodag.photogrammetry.embedded.poses.sfm WORKDIR`` reads ``WORKDIR/job.json`` (`SfmJob`) and writes
``WORKDIR/sfm.npz`` (`SfmResult`). Events go to standard output as JSON lines.
"""

from __future__ import annotations

# The order of these imports is a safeguard, not a style. pycolmap's wheel exports its own deflate, png, jpeg and tiff
# symbols. A process that loads pycolmap before the real libraries calls the wheel's copies later: zlib.compress then
# aborts, or hangs and survives SIGTERM. So everything that brings a codec is loaded first, here and nowhere later.
# isort: off
import zlib  # noqa: F401
import bz2  # noqa: F401
import lzma  # noqa: F401
import rasterio  # noqa: F401
import cv2  # noqa: F401, TID253 -- must be loaded before pycolmap
import numpy as np
import pycolmap  # noqa: TID253 -- this process exists for it
# isort: on

import sys
import time
from enum import Enum
from pathlib import Path
from typing import Any

from aerodag.photogrammetry.embedded.events import Reporter, claim_stdout
from aerodag.photogrammetry.embedded.memory import peak_resident_bytes
from aerodag.photogrammetry.embedded.poses.sfm_files import SfmJob, SfmResult, image_file_name
from aerodag.photogrammetry.embedded.poses.similarity import place_model

# Global bundle adjustments at 40 % growth instead of 10 %, and few iterations: with position priors the model never
# drifts far, and the final adjustment repairs the rest (mapping of 80 images: 34 s instead of 84 s).
FAST_ADJUSTMENT = {
    "ba_global_frames_ratio": 1.4,
    "ba_global_points_ratio": 1.4,
    "ba_global_max_refinements": 2,
    "ba_global_max_num_iterations": 20,
    "ba_global_function_tolerance": 1e-5,
    "ba_local_max_refinements": 1,
    "ba_local_max_num_iterations": 15,
    "ba_local_function_tolerance": 1e-5,
}
RELAXED_MAPPER = {
    "init_min_num_inliers": 40,
    "init_min_tri_angle": 6.0,
    "init_max_error": 6.0,
    "abs_pose_min_num_inliers": 15,
    "abs_pose_min_inlier_ratio": 0.15,
}
MAX_REPROJECTION_PX = 4.0
MIN_TRIANGULATION_DEG = 1.5
# A free focal length drifts by a third on flat ground: only accurate positions may refine it.
RTK_SIGMA_LIMIT_M = 0.1
MIN_RELIEF_RATIO = 0.1
MAX_FOCAL_CHANGE = 0.03
MAX_CENTRE_SHIFT = 0.03
# Accurate positions that the model misses by this many sigmas show that the given intrinsics are wrong.
STRAINED_SIGMAS = 3.0
FREE_TURNS = 2
ALIGNMENT_MISFITS = 5.0
GPS_MISFIT_M = 0.5
# Cameras less than this many sigmas beside one line cannot tell the roll around it.
COLLINEAR_SIGMAS = 3.0


class Free(Enum):
    """Which intrinsics a bundle adjustment refines besides the radial distortion."""

    DISTORTION = "distortion"
    FOCAL = "focal"
    ALL = "all"


def run(work: Path, reporter: Reporter) -> None:
    """Do the job in ``work`` from features to the saved result."""
    job = SfmJob.load(work / "job.json")
    pycolmap.logging.minloglevel = 1
    pycolmap.set_random_seed(0)
    database = work / "sfm.db"
    seconds: dict[str, float] = {}
    started = time.monotonic()
    _extract(job, work, database)
    seconds["features"], started = time.monotonic() - started, time.monotonic()
    _match(job, work, database)
    seconds["matching"], started = time.monotonic() - started, time.monotonic()
    models = _map(job, work, database, reporter)
    seconds["mapping"], started = time.monotonic() - started, time.monotonic()
    notes = [_adjust(job, model, reporter, number / len(models)) for number, model in enumerate(models)]
    seconds["adjustment"] = time.monotonic() - started
    facts = {"models": notes, "seconds": seconds, **_match_facts(database)}
    result = _result(job, models, facts)
    facts["peak_rss_bytes"] = peak_resident_bytes()
    result.save(work / "sfm.npz")


def _extract(job: SfmJob, work: Path, database: Path) -> None:
    options = pycolmap.FeatureExtractionOptions()
    options.num_threads = job.threads
    options.max_image_size = job.feature_size
    options.sift.first_octave = 0
    options.sift.max_num_features = job.max_features
    for group in job.groups:
        reader = pycolmap.ImageReaderOptions()
        reader.camera_model = "RADIAL"
        focal = group.focal_px * group.small_width / group.width
        reader.camera_params = f"{focal},{group.small_width / 2},{group.small_height / 2},0,0"
        names = [image_file_name(index) for index in group.members]
        pycolmap.extract_features(
            database,
            work / "small",
            image_names=names,
            camera_mode=pycolmap.CameraMode.SINGLE,
            reader_options=reader,
            extraction_options=options,
            device=pycolmap.Device.cpu,
        )


def _prior(job: SfmJob, index: int, least_sigma: float) -> pycolmap.PosePrior | None:
    position = job.positions[index]
    if position is None:
        return None
    return pycolmap.PosePrior(
        position=np.array(position),
        position_covariance=np.diag(np.square(np.maximum(job.sigmas[index], least_sigma))),
        coordinate_system=pycolmap.PosePriorCoordinateSystem.CARTESIAN,
    )


def _match(job: SfmJob, work: Path, database: Path) -> None:
    listing = work / "pairs.txt"
    listing.write_text("".join(f"{image_file_name(a)} {image_file_name(b)}\n" for a, b in job.pairs))
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = job.threads
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = str(listing)
    # Results reach the database block by block; small blocks keep the progress live.
    pairing.block_size = 32
    pycolmap.match_image_pairs(database, matching_options=matching, pairing_options=pairing, device=pycolmap.Device.cpu)


def _map(job: SfmJob, work: Path, database: Path, reporter: Reporter) -> list[Any]:
    """Models with at least three images, largest first, in local metres.

    The mapper itself works without positions: it would align the model when the first few images, mostly one
    flight line, are placed, with any roll around that line, and accurate positions then hold it there.
    """
    options = pycolmap.IncrementalPipelineOptions()
    options.min_model_size = 3
    options.extract_colors = False
    options.num_threads = job.threads
    options.random_seed = 0
    known = all(group.focal_known for group in job.groups)
    options.ba_refine_focal_length = not known
    options.mapper.abs_pose_refine_focal_length = not known
    options.mergedict(FAST_ADJUSTMENT)
    if job.relaxed:
        options.mapper.mergedict(RELAXED_MAPPER)
    registered = 2

    def count() -> None:
        nonlocal registered
        registered += 1
        reporter.progress("mapping", registered / len(job.positions))

    models = pycolmap.incremental_mapping(
        database, work / "small", _folder(work / "models"), options=options, next_image_callback=count
    )
    usable = [model for model in models.values() if model.num_reg_images() >= 3]
    return sorted((model for model in usable if _place(job, model)), key=lambda model: -model.num_reg_images())


def _place(job: SfmJob, model: pycolmap.Reconstruction) -> bool:
    """Move the model into the metric frame; False if fewer than three of its images have a position."""
    indices = {i: _index(model, i) for i in model.reg_image_ids()}
    known = {i: index for i, index in indices.items() if job.positions[index] is not None}
    if len(known) < 3:
        return False
    rows = list(known.values())
    similarity = place_model(
        centres=np.array([model.image(i).projection_center() for i in known]),
        axes=np.array([model.image(i).viewing_direction() for i in known]),
        positions=np.array([job.positions[row] for row in rows]),
        sigmas=np.array([job.sigmas[row][0] for row in rows]),
        expected=np.array([job.axes[row] for row in rows]),
        spread=np.array([job.axis_sigmas[row] for row in rows]),
    )
    rotation = pycolmap.Rotation3d(similarity.rotation)
    model.transform(pycolmap.Sim3d(similarity.scale, rotation, similarity.translation))
    return True


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _adjust(job: SfmJob, model: pycolmap.Reconstruction, reporter: Reporter, done: float) -> dict[str, Any]:
    """Final bundle adjustment against the priors; twice, with the outliers removed in between."""
    known = all(group.focal_known for group in job.groups)
    focal = "fixed" if known else "refined"
    for turn, loosest in enumerate((_misfit(job, model), 0.0)):
        _bundle(job, model, loosest, Free.DISTORTION if known else Free.FOCAL)
        pycolmap.ObservationManager(model).filter_all_points3D(MAX_REPROJECTION_PX, MIN_TRIANGULATION_DEG)
        reporter.progress("adjustment", min(done + 0.3 * (turn + 1), 1.0))
    if _collinear(job, model):
        _place(job, model)
    relief = _relief_ratio(model)
    strained = _misfit(job, model) > STRAINED_SIGMAS * _median_sigma(job, model)
    if focal == "fixed" and _accurate(job, model) and (strained or relief >= MIN_RELIEF_RATIO):
        focal = _try_free_intrinsics(job, model)
    return {"images": model.num_reg_images(), "focal": focal, "relief_ratio": relief}


def _misfit(job: SfmJob, model: pycolmap.Reconstruction) -> float:
    """Median distance of the cameras from their measured positions, metres."""
    pairs = [(model.image(i).projection_center(), job.positions[_index(model, i)]) for i in model.reg_image_ids()]
    return float(np.median([np.linalg.norm(centre - np.array(p)) for centre, p in pairs if p is not None]))


def _index(model: pycolmap.Reconstruction, image_id: int) -> int:
    return int(Path(model.image(image_id).name).stem)


def _bundle(job: SfmJob, model: pycolmap.Reconstruction, least_sigma: float, free: Free) -> None:
    """Bundle adjustment with position priors no tighter than ``least_sigma``: far-off tight ones would be outliers."""
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = free is not Free.DISTORTION
    options.refine_principal_point = free is Free.ALL
    options.ceres.loss_function_type = pycolmap.LossFunctionType.HUBER
    options.ceres.solver_options.max_num_iterations = 25
    options.ceres.solver_options.num_threads = job.threads
    options.ceres.min_num_residuals_for_cpu_multi_threading = 1000
    prior_options = pycolmap.PosePriorBundleAdjustmentOptions()
    prior_options.ceres.prior_position_loss_function_type = pycolmap.LossFunctionType.CAUCHY
    # The adjuster first aligns the model anew from samples of three positions. Within centimetres of three positions
    # of one flight line, any roll around that line would pass: the whole model has to fit.
    prior_options.alignment_ransac.max_error = max(ALIGNMENT_MISFITS * _misfit(job, model), GPS_MISFIT_M)
    prior_options.alignment_ransac.random_seed = 0
    config = pycolmap.BundleAdjustmentConfig()
    priors = []
    for image_id in model.reg_image_ids():
        config.add_image(image_id)
        image = model.image(image_id)
        prior = _prior(job, _index(model, image_id), least_sigma)
        if prior is not None:
            prior.corr_data_id = image.data_id
            priors.append(prior)
    pycolmap.create_pose_prior_bundle_adjuster(options, prior_options, config, priors, model).solve()


def _collinear(job: SfmJob, model: pycolmap.Reconstruction) -> bool:
    rows = [_index(model, i) for i in model.reg_image_ids()]
    known = [row for row in rows if job.positions[row] is not None]
    positions = np.array([job.positions[row] for row in known])
    across = np.linalg.svd(positions - positions.mean(axis=0))[1][1] / np.sqrt(len(known))
    return bool(across < COLLINEAR_SIGMAS * _median_sigma(job, model))


def _median_sigma(job: SfmJob, model: pycolmap.Reconstruction) -> float:
    return float(np.median([job.sigmas[_index(model, i)][0] for i in model.reg_image_ids()]))


def _relief_ratio(model: pycolmap.Reconstruction) -> float:
    """Spread of the ground (5th to 95th percentile) over the flying height."""
    heights = np.array([point.xyz[2] for point in model.points3D.values()])
    cameras = np.array([model.image(i).projection_center()[2] for i in model.reg_image_ids()])
    low, middle, high = np.percentile(heights, [5, 50, 95])
    return float((high - low) / max(float(np.median(cameras)) - middle, 1e-3))


def _accurate(job: SfmJob, model: pycolmap.Reconstruction) -> bool:
    indices = [_index(model, i) for i in model.reg_image_ids()]
    return all(job.positions[i] is not None and max(job.sigmas[i]) <= RTK_SIGMA_LIMIT_M for i in indices)


def _try_free_intrinsics(job: SfmJob, model: pycolmap.Reconstruction) -> str:
    """Refine focal length and principal point, and keep them only while they stay near the given ones."""
    before = {key: camera.params.copy() for key, camera in model.cameras.items()}
    for _ in range(FREE_TURNS):
        _bundle(job, model, _misfit(job, model), Free.ALL)
    _bundle(job, model, 0.0, Free.ALL)
    if all(_plausible(camera, before[key]) for key, camera in model.cameras.items()):
        return "refined"
    for key, camera in model.cameras.items():
        camera.params = before[key]
    _bundle(job, model, 0.0, Free.DISTORTION)
    return "fixed"


def _plausible(camera: pycolmap.Camera, before: np.ndarray) -> bool:
    shift = np.abs(camera.params[1:3] - before[1:3]).max() / max(camera.width, camera.height)
    return bool(abs(camera.params[0] / before[0] - 1.0) <= MAX_FOCAL_CHANGE and shift <= MAX_CENTRE_SHIFT)


def _match_facts(database: Path) -> dict[str, Any]:
    with pycolmap.Database.open(str(database)) as db:
        features = [db.num_keypoints_for_image(image.image_id) for image in db.read_all_images()]
        _, geometries = db.read_two_view_geometries()
        inliers = [len(geometry.inlier_matches) for geometry in geometries]
    verified = [count for count in inliers if count >= 15]
    return {
        "features": features,
        "pairs_verified": len(verified),
        "inliers_mean": float(np.mean(inliers)) if inliers else 0.0,
        "inliers_median": float(np.median(verified)) if verified else 0.0,
    }


def _result(job: SfmJob, models: list[Any], facts: dict[str, Any]) -> SfmResult:
    rows: dict[int, list[Any]] = {}
    points: list[Any] = []
    for number, model in enumerate(models):
        for group in job.groups:
            for camera in _cameras_of(model, group.members):
                camera.rescale(group.width, group.height)
        scale = max(group.width / group.small_width for group in job.groups)
        for image_id in model.reg_image_ids():
            image = model.image(image_id)
            pose = image.cam_from_world().matrix()
            observed = sum(point.has_point3D() for point in image.points2D)
            # An image of two models keeps its place in the larger one.
            row = [number, pose, model.camera(image.camera_id).params, observed]
            rows.setdefault(_index(model, image_id), row)
        points += [[*p.xyz, number, p.track.length(), p.error * scale] for p in model.points3D.values()]
    order = sorted(rows)
    return SfmResult(
        image=np.array(order, dtype=np.int64),
        model=np.array([rows[i][0] for i in order], dtype=np.int64),
        pose=np.array([rows[i][1] for i in order]).reshape(-1, 3, 4),
        intrinsics=np.array([rows[i][2] for i in order]).reshape(-1, 5),
        observed=np.array([rows[i][3] for i in order], dtype=np.int64),
        points=np.array(points).reshape(-1, 6),
        facts=facts,
    )


def _cameras_of(model: pycolmap.Reconstruction, members: list[int]) -> list[pycolmap.Camera]:
    names = {image_file_name(index) for index in members}
    used = {image.camera_id for image in model.images.values() if image.name in names}
    return [model.camera(camera_id) for camera_id in used]


def main() -> int:
    """Entry point; the exit code is 0 even for an empty reconstruction, which the parent judges."""
    reporter = Reporter(claim_stdout())
    run(Path(sys.argv[1]), reporter)
    reporter.finish({"event": "done"})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
