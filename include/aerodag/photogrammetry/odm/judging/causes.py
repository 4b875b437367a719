"""Why ODM ends without a result: one row a cause, the most telling first.

Sentences are ODM's own and those of the programs it runs, of Python and of Docker, as they stand in its sources and in
its users' reports. A row is chosen in this order: we stopped it; Docker could not start it; the memory limit killed
it; something it said; its exit code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from aerodag.errors import (
    AerodagError,
    CancelledError,
    ConfigError,
    DataError,
    EngineError,
    InfrastructureError,
    ResourceError,
    Retry,
)


class StopReason(StrEnum):
    """Why we ended a job ourselves."""

    TIMEOUT = "timeout"
    STALLED = "stalled"
    DISK_FULL = "disk_full"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One class of failure.

    ``said`` are patterns for the lower-cased log of the unfinished stage, ``started`` for what Docker says when it
    cannot start a container. ``retry`` overrides the error class's.
    """

    code: str
    kind: type[AerodagError]
    message: str
    advice: str
    retry: Retry | None = None
    stop: StopReason | None = None
    said: tuple[re.Pattern[str], ...] = ()
    started: tuple[re.Pattern[str], ...] = ()
    exit_codes: frozenset[int] = frozenset()


def _any(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.MULTILINE) for pattern in patterns)


CAUSES = (
    Cause(
        code="engine.cancelled",
        kind=CancelledError,
        message="ODM was stopped because the run was cancelled.",
        advice="Clear the odm task to start it again; finished stages are kept while the work folder is.",
        stop=StopReason.CANCELLED,
    ),
    Cause(
        code="engine.timeout",
        kind=ResourceError,
        retry=Retry.NEVER,
        message="ODM did not finish in the time it is given.",
        advice="Resume from the last finished stage with resume_from, or use a faster preset or a larger machine.",
        stop=StopReason.TIMEOUT,
        exit_codes=frozenset({124}),
    ),
    Cause(
        code="engine.stalled",
        kind=EngineError,
        retry=Retry.CLEAN_STAGE,
        message="ODM wrote no line for so long that it hangs.",
        advice="It is resumed once from the last finished stage; if it hangs again, report it with the log.",
        stop=StopReason.STALLED,
    ),
    Cause(
        code="engine.disk_full",
        kind=InfrastructureError,
        retry=Retry.CLEAN_STAGE,
        message="The disk of the work folder is full.",
        advice="Free space in the work folder's file system; the unfinished stage is then made again.",
        stop=StopReason.DISK_FULL,
        said=_any(r"\[errno 28\]", r"no space left on device", r"\bqueue\.full\b", r"disk quota exceeded"),
        started=_any(r"no space left on device"),
    ),
    Cause(
        code="engine.terminated",
        kind=InfrastructureError,
        message="ODM was terminated from outside.",
        advice="The host or its Docker daemon was probably shut down; the step is tried again and resumes.",
        said=_any(r"caught term/int signal"),
        exit_codes=frozenset({129, 130, 143}),
    ),
    Cause(
        code="engine.exif_maker_note",
        kind=EngineError,
        retry=Retry.CLEAN_IMAGES,
        message="ODM cannot read the maker note in an image's EXIF.",
        advice="It is tried once more with copies of the images without that note; ODM 3.5.6 reads them all.",
        said=_any(
            r"decode_maker_note[\s\S]*?indexerror", r"exifread[\s\S]*?indexerror: list index out of range"
        ),
    ),
    Cause(
        code="engine.features_incomplete",
        kind=EngineError,
        retry=Retry.CLEAN_STAGE,
        message="ODM resumed on features that an interrupted run left half written.",
        advice="The stage's files are removed and it is made again.",
        said=_any(r"filenotfounderror.*features\.npz", r"load_features[\s\S]{0,3000}?(?:badzipfile|eoferror)"),
    ),
    Cause(
        code="engine.boundary_refused",
        kind=EngineError,
        message="This version of ODM cannot read the boundary it is given.",
        advice="Use an image with ODM 3.5.6, or give the engine option auto-boundary instead.",
        said=_any(r"crserror[\s\S]*?boundary", r"boundary[\s\S]*?crserror"),
    ),
    Cause(
        code="engine.no_images",
        kind=DataError,
        message="ODM finds no image that it can use.",
        advice="Look at the images' findings: all are damaged or of a kind that ODM does not read.",
        said=_any(r"not enough supported images in"),
    ),
    Cause(
        code="engine.folder_empty",
        kind=ConfigError,
        message="ODM sees no images in the project folder.",
        advice="The container must see the data root under the same path as the worker; aerodag doctor checks it.",
        said=_any(
            r"there are no images in", r"no input images, cannot create coordinates file",
            r"\] +directory \S.* does not exist\.",
        ),
    ),
    Cause(
        code="engine.low_overlap",
        kind=DataError,
        message="ODM could not fit the images together.",
        advice="Check overlap, sharpness and the selection of images in the pre-flight report; fly with more overlap.",
        said=_any(r"the program could not process this dataset using the current settings"),
    ),
    Cause(
        code="engine.too_few_photos",
        kind=DataError,
        message="Too few photos are left for ODM to work with.",
        advice="Look at the findings for images that were left out; at least three that overlap are needed.",
        said=_any(r"not enough photos in photos array to start", r"not enough images in selected band"),
    ),
    Cause(
        code="engine.empty_point_cloud",
        kind=DataError,
        message="Nothing is left of the point cloud.",
        advice="The boundary may miss the survey, or the reconstruction diverged: check the images' positions.",
        said=_any(r"we ended up with an empty point cloud"),
    ),
    Cause(
        code="engine.geometry_diverged",
        kind=DataError,
        message="The orthophoto would be far larger than the survey: stray points spread the reconstruction.",
        advice="Leave out images of the horizon and with wrong positions, or give a boundary; memory does not help.",
    ),
    Cause(
        code="engine.orthophoto_memory",
        kind=ResourceError,
        message="The orthophoto does not fit into memory.",
        advice="Use a coarser orthophoto resolution or a container with more memory.",
        said=_any(r"couldn't allocate enough memory to render the orthophoto", r"-4:insufficient memory"),
    ),
    Cause(
        code="engine.gpu_out_of_memory",
        kind=ResourceError,
        retry=Retry.WITHOUT_GPU,
        message="The GPU's memory does not suffice.",
        advice="It is tried once more without GPU unless one is required; a GPU of its own for each run avoids this.",
        said=_any(
            r"cuda.*out of memory", r"popsift[\s\S]{0,400}out of memory", r"out of memory[\s\S]{0,400}popsift",
            r"cuda_?error_?(?:out_of_memory|memory_?allocation)",
        ),
    ),
    Cause(
        code="engine.gpu_unsupported",
        kind=EngineError,
        retry=Retry.WITHOUT_GPU,
        message="ODM cannot use this GPU.",
        advice="It is tried once more without GPU unless one is required; the image may be older than the GPU.",
        said=_any(
            r"no kernel image is available", r"cuda error", r"cuda driver version is insufficient", r"cudaerror",
            r"popsift[\s\S]{0,400}(?:error|exception|failed)",
        ),
    ),
    Cause(
        code="engine.gpu_runtime",
        kind=InfrastructureError,
        retry=Retry.WITHOUT_GPU,
        message="Docker cannot give the container a GPU.",
        advice="Install the NVIDIA container toolkit, or set AERODAG_ODM__GPU_ACCESS=nvidia; aerodag doctor checks it.",
        said=_any(r"failed to initialize nvml"),
        started=_any(
            r"could not select device driver", r"nvidia-container", r"runtime name: nvidia", r"libnvidia",
            r"nvidia-cuda-mps", r"cdi device", r"\bnvidia\b.*\b(?:not found|failed)",
        ),
    ),
    Cause(
        code="engine.out_of_memory",
        kind=ResourceError,
        message="ODM ran out of memory.",
        advice="It is tried once more with a smaller profile; else use a faster preset or more memory.",
        said=_any(
            r"you ran out of memory", r"std::bad_alloc", r"\bmemoryerror\b", r"cannot allocate memory",
            r"(?:^|\.\.\.|\s)killed\s*$", r"\d\s+killed\s", r"memory cgroup out of memory",
        ),
    ),
    Cause(
        code="engine.no_dense_points",
        kind=ResourceError,
        message="All parts of the dense point cloud failed, most often for lack of memory.",
        advice="It is tried once more with a smaller profile; the fast preset does without a dense cloud.",
        said=_any(r"could not compute dense point cloud \(no ply files available\)"),
    ),
    Cause(
        code="engine.dense_failed",
        kind=DataError,
        message="ODM could not make a dense reconstruction of these images.",
        advice="Check positions and overlap in the pre-flight report; the fast preset does without a dense cloud.",
        said=_any(r"dense reconstruction failed\. this could be due to"),
    ),
    Cause(
        code="engine.dense_incomplete",
        kind=EngineError,
        retry=Retry.CLEAN_STAGE,
        message="Parts of the dense reconstruction are missing.",
        advice="The stage's files are removed and it is made again.",
        said=_any(r"cannot find scene_dense\.mvs", r"no openmvs scenes found"),
    ),
    Cause(
        code="engine.submodels_missing",
        kind=EngineError,
        message="The parts of the split dataset are missing at the merge.",
        advice="Process without split, or clear the odm task to start from the beginning.",
        said=_any(r"we reached the merge stage, but"),
    ),
    Cause(
        code="engine.cpu_unsupported",
        kind=EngineError,
        message="The host's CPU, or what its virtual machine shows of it, lacks instructions that ODM needs.",
        advice="Use a host with AVX, or let the virtual machine show the host's CPU flags.",
        said=_any(r"your cpu is not supported"),
        exit_codes=frozenset({132}),
    ),
    Cause(
        code="engine.program_missing",
        kind=EngineError,
        message="A program that ODM needs is missing in its image.",
        advice="Check AERODAG_ODM__IMAGE and that nothing is mounted over /code.",
        said=_any(r"odm can't find a program that is required"),
        exit_codes=frozenset({3}),
    ),
    Cause(
        code="engine.options",
        kind=ConfigError,
        message="This version of ODM refuses its options.",
        advice="Correct the engine options; they must exist in the version of ODM that the image holds.",
        said=_any(r"error: unrecognized arguments", r"error: argument ", r"error: the following arguments"),
        exit_codes=frozenset({2}),
    ),
    Cause(
        code="engine.not_writable",
        kind=ConfigError,
        message="ODM may not write into the project folder.",
        advice="AERODAG_ODM__USER must own the data root; files that an earlier run left as root have to be removed.",
        said=_any(r"permissionerror: \[errno 13\]", r"\[errno 30\]", r"read-only file system"),
    ),
    Cause(
        code="engine.container_start",
        kind=InfrastructureError,
        message="Docker could not start ODM's container.",
        advice="Look at Docker's message; aerodag doctor checks image, paths, memory and GPU.",
        started=_any(
            r"oci runtime", r"failed to create (?:shim )?task", r"runc", r"error mounting", r"invalid mount",
            r"cgroup", r"executable file not found", r"port is already allocated", r"error while creating mount",
        ),
        exit_codes=frozenset({125, 126, 127, 128}),
    ),
    Cause(
        code="engine.strange_values",
        kind=EngineError,
        message="A program of ODM failed on the reconstruction.",
        advice="Check the images' positions and what was left out; report it with the log if they are sound.",
        said=_any(r"processing stopped because of strange values in the reconstruction"),
    ),
    Cause(
        code="engine.child_killed",
        kind=ResourceError,
        message="A program of ODM was killed.",
        advice="Most often memory runs out; it is tried once more with a smaller profile.",
        said=_any(r"the program exited with a strange error code"),
        exit_codes=frozenset({9}),
    ),
    Cause(
        code="engine.crashed",
        kind=EngineError,
        message="A program of ODM crashed.",
        advice="Report it with the log; another preset or version of ODM may pass.",
        exit_codes=frozenset({134, 135, 136, 139}),
    ),
    Cause(
        code="engine.killed",
        kind=InfrastructureError,
        message="ODM was killed from outside, and not by its own memory limit.",
        advice="Look whether the host ran out of memory or somebody removed the container; the step is tried again.",
        exit_codes=frozenset({137}),
    ),
    Cause(
        code="engine.ending_unknown",
        kind=InfrastructureError,
        message="ODM ended, and nobody knows how.",
        advice="Look at the host and its Docker daemon; the step is tried again and resumes.",
    ),
    Cause(
        code="engine.failed",
        kind=EngineError,
        message="ODM failed for a reason that is not known here.",
        advice="Look at the last lines of the log; report it with the forensics file.",
    ),
)  # fmt: skip

BY_CODE = {cause.code: cause for cause in CAUSES}
