"""The other engines: a NodeODM server, and the embedded one."""

from __future__ import annotations

from aerodag import photogrammetry
from aerodag.doctor.engine_image import defects, judged
from aerodag.doctor.examination import Visit
from aerodag.doctor.verdict import Verdict, ok, skipped, together, warning
from aerodag.findings import Severity
from aerodag.photogrammetry import EmbeddedEngine
from aerodag.photogrammetry.nodeodm.client import NodeFacts
from aerodag.preflight import amounts

_NODE_SECONDS = 10.0


def node(visit: Visit) -> Verdict:
    """Whether the configured node answers, which engine it has and what it takes."""
    settings = visit.settings
    if not settings.nodeodm.url:
        return skipped("No NodeODM server is configured (AERODAG_NODEODM__URL).")
    facts = photogrammetry.node(settings).facts(_NODE_SECONDS)
    found = [
        finding
        for finding in defects(facts.engine_version, settings.nodeodm.url, settings.odm.flavour)
        if finding.severity is not Severity.INFO and finding.code != "odm.image_unpinned"
    ]
    return together([judged(_words(facts), found, version=facts.engine_version), *_other_engine(visit, facts)])


def embedded(_: Visit) -> Verdict:
    """Whether its packages are installed."""
    missing = EmbeddedEngine().unavailable()
    if missing:
        return warning(
            f"{' '.join(missing)} Without Docker and NodeODM no run can be done.",
            "Run `pip install -r requirements.txt` in this environment.",
        )
    return ok("The embedded engine has all its packages.")


def _words(facts: NodeFacts) -> str:
    most = "any number of images" if facts.max_images is None else f"at most {facts.max_images:,} images"
    cores = "unknown cores" if facts.cpu_cores is None else amounts.count_of(facts.cpu_cores, "core")
    return (
        f"NodeODM {facts.version} answers with {facts.engine} {facts.engine_version}: {cores}, "
        f"{amounts.data_size(facts.memory_bytes)}, {most}, {facts.waiting or 0} tasks waiting."
    )


def _other_engine(visit: Visit, facts: NodeFacts) -> list[Verdict]:
    flavour = visit.settings.odm.flavour
    if facts.engine.lower() in {flavour, ""}:
        return []
    return [
        warning(
            f"But AERODAG_ODM__FLAVOUR is {flavour}.",
            f"Set AERODAG_ODM__FLAVOUR={facts.engine.lower()}, or use a node with {flavour}.",
        )
    ]
