"""The engine's image: on the Docker host, which build it is, and whether it starts as a run would start it."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aerodag import photogrammetry
from aerodag.containers.images import ImageFacts
from aerodag.doctor.examination import Visit
from aerodag.doctor.verdict import Status, Verdict, failed, ok, skipped, together, warning
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.photogrammetry.jobs import Ending, JobState, Order, Ticket
from aerodag.photogrammetry.odm.planning import versions
from aerodag.photogrammetry.odm.planning.presets import PRESETS
from aerodag.preflight import amounts

_START_SECONDS = 60
_PAUSE_SECONDS = 0.2
_OPTION = re.compile(r"--([a-z0-9][a-z0-9-]+)")
_ALWAYS_GIVEN = frozenset({"max-concurrency", "no-gpu", "orthophoto-resolution", "rerun-from"})


def present(visit: Visit) -> Verdict:
    """The images that runs would use, each with its version and what is known to be broken in it."""
    odm = visit.settings.odm
    references = dict.fromkeys([odm.image, *([odm.gpu_image] if odm.gpu_image else ())])
    return together(_present(visit, reference) for reference in references)


def starts(visit: Visit) -> Verdict:
    """Whether the engine starts with the limits, user and read-only root of a run, and knows the options of ours.

    It is asked for its ``--help``, which loads all of the program and touches no images.
    """
    image = visit.image(visit.settings.odm.image)
    if image is None:
        return skipped("Not looked at, because the image is not on the Docker host.")
    place = Path(tempfile.mkdtemp(prefix=".doctor-", dir=visit.work))
    try:
        return _started(visit, image, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def defects(version: str | None, image: str, flavour: str) -> list[Finding]:
    """What the version table holds against this build, whatever the survey."""
    found = versions.warnings(version, image, flavour, versions.Circumstances())
    told, numbers = {finding.code for finding in found}, versions.release(version)
    return found + [
        Finding(defect.severity, defect.code, f"{flavour.upper()} {version} {defect.message}", defect.advice)
        for defect in versions.DEFECTS
        if numbers and defect.code not in told and defect.is_in(flavour, numbers)
    ]


def judged(message: str, findings: list[Finding], **numbers: Any) -> Verdict:
    """``message``, a warning if any of the findings is more than information."""
    loud = [finding for finding in findings if finding.severity is not Severity.INFO]
    if not loud:
        return Verdict(Status.OK, *_texts(message, findings), numbers)
    return Verdict(Status.WARNING, *_texts(message, loud), numbers)


def _texts(message: str, findings: list[Finding]) -> tuple[str, str]:
    advice = dict.fromkeys(finding.advice for finding in findings)
    return " ".join([message, *(finding.message for finding in findings)]), " ".join(advice)


def judge_start(ending: Ending, lines: list[str], seconds: float) -> Verdict:
    """What an engine that was asked for its ``--help`` did with it."""
    how = _conditions(ending.details)
    numbers = {"exit_code": ending.exit_code, "seconds": round(seconds, 2), "lines": len(lines)}
    if ending.exit_code != 0:
        last = next((line.strip()[:300] for line in reversed(lines) if line.strip()), "") or ending.message
        return failed(
            f"The engine {how} {_end(ending)}: {last or 'no output'}.",
            "Try AERODAG_ODM__READ_ONLY_ROOT=false, another AERODAG_ODM__USER or more AERODAG_ODM__MEMORY_BYTES; "
            "132 means that the image is built for another CPU.",
            **numbers,
        )
    known = set(_OPTION.findall("\n".join(lines)))
    given = _ALWAYS_GIVEN | {option for preset in PRESETS.values() for option in preset.options}
    if unknown := sorted(given - known):
        return warning(
            f"The engine starts {how}, but does not list the options {', '.join(unknown)} in its help.",
            "Set AERODAG_ODM__IMAGE to the image of ODM 3.5.6, or leave out the presets that give them.",
            **numbers,
        )
    return ok(f"The engine starts {how}: its --help ended with 0 after {seconds:.1f} s.", **numbers)


def _present(visit: Visit, reference: str) -> Verdict:
    odm, image = visit.settings.odm, visit.image(reference)
    if image is None:
        return _missing(reference, odm.pull)
    if not image.entrypoint:
        return failed(
            f"The image {reference} has no entry point, so it is not one of ODM.",
            "Set AERODAG_ODM__IMAGE to an image of opendronemap/odm or webodm/odx.",
        )
    version = image.version or versions.version_of(reference)
    told = (
        f"{reference} is there ({odm.flavour.upper()} {version or 'of unknown version'}, "
        f"{amounts.data_size(image.size)}, {(image.digest or image.id)[:19]})."
    )
    findings = defects(version, reference, odm.flavour)
    numbers = {"version": version, "digest": image.digest, "id": image.id, "bytes": image.size}
    return judged(told, findings, **{reference: numbers})


def _missing(reference: str, pull: str) -> Verdict:
    if pull == "never":
        return failed(
            f"There is no image {reference} on the Docker host, and AERODAG_ODM__PULL=never forbids to bring it.",
            f"Run this on the Docker host: docker pull {reference}",
        )
    return warning(
        f"There is no image {reference} on the Docker host: engine=odm brings it first, engine=auto does without.",
        f"Run this on the Docker host: docker pull {reference}",
    )


def _started(visit: Visit, image: ImageFacts, place: Path) -> Verdict:
    odm = visit.settings.odm.model_copy(update={"pull": "never"})
    jobs = DockerJobs(photogrammetry.endpoint(odm), odm, installation=visit.settings.installation)
    project = place / "project"
    project.mkdir()
    order = Order(
        # No run has the number 0: what a kill of this process leaves behind is an orphan to housekeeping.
        ticket=Ticket(dataset_id=0, run_id=0, attempt=secrets.randbelow(10**9)),
        project=project,
        arguments=["--help"],
        image=image.id,
        memory_bytes=visit.memory_bytes,
        cpus=visit.cpus,
        seconds=_START_SECONDS,
    )
    began = time.monotonic()
    try:
        job = jobs.submit(order)
        try:
            ending = _ended(jobs, job)
            lines = [line.text for line in jobs.lines(job)]
        finally:
            jobs.discard(job)
    finally:
        jobs.close()
    return judge_start(ending, lines, time.monotonic() - began)


def _ended(jobs: DockerJobs, job: str) -> Ending:
    """Waits to the bound that the container has itself, and a little longer."""
    until = time.monotonic() + _START_SECONDS + 10
    while jobs.look(job).state is JobState.RUNNING and time.monotonic() < until:
        time.sleep(_PAUSE_SECONDS)
    return jobs.ending(job)


def _end(ending: Ending) -> str:
    if ending.exit_code is None:
        return f"did not end within {_START_SECONDS} s"
    return f"ended with {ending.exit_code}{' out of memory' if ending.out_of_memory else ''}"


def _conditions(details: Mapping[str, Any]) -> str:
    """As whom and within what it ran, in the words of the Docker engine's own record."""
    host, config = details.get("HostConfig") or {}, details.get("Config") or {}
    root = "a read-only" if host.get("ReadonlyRootfs") else "a writable"
    memory = amounts.data_size(host.get("Memory") or None)
    return f"as user {config.get('User') or 'root'} with {root} root, {memory}, {host.get('NanoCpus', 0) / 1e9:g} cores"
