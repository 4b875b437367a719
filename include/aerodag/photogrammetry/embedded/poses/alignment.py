"""Camera poses for a survey: one try as usual, a relaxed second one, and an honest verdict."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aerodag.errors import DataError
from aerodag.findings import Finding
from aerodag.photogrammetry.embedded.events import Reporter
from aerodag.photogrammetry.embedded.georeference import Priors, priors_of
from aerodag.photogrammetry.embedded.options import Options
from aerodag.photogrammetry.embedded.poses.cameras import CameraGroup, RadialCamera, View, group_cameras
from aerodag.photogrammetry.embedded.poses.pairs import pairs_to_match
from aerodag.photogrammetry.embedded.poses.sfm_files import GroupJob, SfmJob, SfmResult
from aerodag.photogrammetry.embedded.poses.sfm_process import reconstruct
from aerodag.photogrammetry.embedded.poses.shrink import shrink_all, small_size
from aerodag.photogrammetry.embedded.poses.similarity import expected_axis
from aerodag.photogrammetry.embedded.survey import Survey, require_positions, unreadable

RELAXED_FEATURE_SIZE = 2000
# Below this share of registered images a relaxed second try is worth its time.
RETRY_BELOW = 0.8
MIN_REGISTERED = 0.5
MANY_IMAGES = 60
OVERLAP_ADVICE = "Fly with at least 75 % forward and 65 % side overlap and avoid water, snow and moving crops."


@dataclass(frozen=True, slots=True)
class Alignment:
    """A survey with its reconstruction."""

    survey: Survey
    groups: list[CameraGroup]
    priors: Priors
    job: SfmJob
    result: SfmResult

    def views(self) -> list[View]:
        """The registered images."""
        sizes = {index: (group.width, group.height) for group in self.groups for index in group.members}
        return [
            View(
                index=int(index),
                name=self.survey.images[index].name,
                path=self.survey.paths[index],
                camera=RadialCamera(*sizes[int(index)], *(float(value) for value in intrinsics)),
                pose=pose,
                model=int(model),
            )
            for index, intrinsics, pose, model in zip(
                self.result.image, self.result.intrinsics, self.result.pose, self.result.model, strict=True
            )
        ]


def align(survey: Survey, options: Options, work: Path, reporter: Reporter, findings: list[Finding]) -> Alignment:
    """Reconstruct ``survey``; appends to ``findings``.

    Raises:
        DataError: no or too small a reconstruction.
    """
    first = _attempt(survey, options, work / "first", reporter, findings, relaxed=None)
    share = len(first.result.image) / len(first.survey.images)
    if share >= RETRY_BELOW:
        return _judged(first)
    reporter.log("Few images registered, trying again with relaxed thresholds", registered=round(share, 2))
    second = _attempt(first.survey, options, work / "second", reporter, findings, relaxed=RELAXED_FEATURE_SIZE)
    return _judged(max(first, second, key=lambda alignment: len(alignment.result.image)))


def _attempt(
    survey: Survey, options: Options, work: Path, reporter: Reporter, findings: list[Finding], relaxed: int | None
) -> Alignment:
    feature_size = max(relaxed or 0, options.feature_size)
    survey = _prepare(survey, options, work / "small", feature_size, reporter, findings)
    groups = group_cameras(survey.images)
    priors = priors_of(survey.images)
    job = _job(survey, groups, priors, options, feature_size, relaxed is not None)
    reporter.log("Reconstructing", images=len(survey.images), cameras=len(groups), pairs=len(job.pairs))
    result = reconstruct(job, work, reporter, options.memory_limit_mb)
    return Alignment(survey, groups, priors, job, result)


def _prepare(
    survey: Survey, options: Options, small: Path, feature_size: int, reporter: Reporter, findings: list[Finding]
) -> Survey:
    """Shrink the images; those that cannot be decoded whole are dropped, and the rest numbered anew."""
    broken: set[int] = set()
    outcomes = shrink_all(survey.paths, small, feature_size, options.threads)
    for index, problem in enumerate(outcomes):
        if problem is not None:
            broken.add(index)
            findings.append(unreadable(survey.images[index].name, problem))
        reporter.progress("prepare", (index + 1) / len(survey.paths))
    if not broken:
        return survey
    rest = survey.without(broken)
    require_positions(rest)
    shutil.rmtree(small)
    return _prepare(rest, options, small, feature_size, reporter, findings)


def _job(
    survey: Survey, groups: list[CameraGroup], priors: Priors, options: Options, feature_size: int, relaxed: bool
) -> SfmJob:
    many = len(survey.images) > MANY_IMAGES
    axes = [expected_axis(image.yaw, image.pitch) for image in survey.images]
    return SfmJob(
        groups=[_group_job(group, feature_size) for group in groups],
        positions=[row.tolist() if np.isfinite(row).all() else None for row in priors.positions],
        sigmas=priors.sigmas.tolist(),
        axes=[axis.tolist() for axis, _ in axes],
        axis_sigmas=[sigma for _, sigma in axes],
        pairs=pairs_to_match(priors.positions, options.neighbours),
        feature_size=feature_size,
        max_features=options.max_features or (3000 if many else 8192),
        threads=options.threads,
        relaxed=relaxed,
    )


def _group_job(group: CameraGroup, feature_size: int) -> GroupJob:
    width, height = small_size(group.width, group.height, feature_size)
    return GroupJob(group.width, group.height, width, height, group.focal_px, group.focal_known, list(group.members))


def _judged(alignment: Alignment) -> Alignment:
    """Refuse a reconstruction that does not stand for the survey."""
    result, total = alignment.result, len(alignment.survey.images)
    registered = len(result.image)
    largest = int((result.model == 0).sum())
    numbers = {
        "images": total,
        "registered": registered,
        "largest_model": largest,
        "models": len(result.facts["models"]),
        "pairs_tried": len(alignment.job.pairs),
        "pairs_verified": result.facts["pairs_verified"],
        "inliers_per_pair_mean": round(result.facts["inliers_mean"], 1),
    }
    if registered == 0:
        raise DataError(
            "engine.no_overlap",
            f"No reconstruction from {total} images: {numbers['pairs_verified']} of {numbers['pairs_tried']} "
            f"neighbouring pairs match, with {numbers['inliers_per_pair_mean']} common points on average.",
            advice=OVERLAP_ADVICE,
            numbers=numbers,
        )
    if registered < max(3, MIN_REGISTERED * total):
        raise DataError(
            "engine.too_few_registered",
            f"Only {registered} of {total} images could be placed, less than half.",
            advice=OVERLAP_ADVICE,
            numbers=numbers,
        )
    if largest < MIN_REGISTERED * total:
        raise DataError(
            "engine.disjoint_blocks",
            f"The images fall into {numbers['models']} unconnected blocks; the largest has {largest} of {total}.",
            advice="Upload the blocks as datasets of their own, or fly the gaps between them. " + OVERLAP_ADVICE,
            numbers=numbers,
        )
    return alignment
