"""One sweep over everything."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from aerodag.errors import AerodagError
from aerodag.ledger import housekeeping as book
from aerodag.pipeline.engine_jobs.reap import reap
from aerodag.pipeline.housekeeping.disk import watch_disk
from aerodag.pipeline.housekeeping.files import check_files
from aerodag.pipeline.housekeeping.lateness import tell_late
from aerodag.pipeline.housekeeping.logs import remove_old_logs
from aerodag.pipeline.housekeeping.quarantine import tell_expired
from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.pipeline.housekeeping.runs import close_ghosts
from aerodag.pipeline.housekeeping.starts import tell_never_started
from aerodag.pipeline.housekeeping.unknown import tell_unknown
from aerodag.pipeline.housekeeping.uploads import remove_unfinished
from aerodag.pipeline.housekeeping.versions import retire_versions
from aerodag.pipeline.housekeeping.work import remove_partials, remove_stale

log = structlog.get_logger(__name__)

FAILED = "housekeeping.failed"
# Its last time is what monitoring looks at.
SWEEP = "sweep"


def _reap(sweep: Round) -> Counts:
    return reap(sweep.ledger, sweep.settings, sweep.now)


# In this order: what an ended run left is removed after it was closed, its folder after its engine's job.
CONCERNS: dict[str, Callable[[Round], Counts]] = {
    "runs": close_ghosts,
    "starts": tell_never_started,
    "lateness": tell_late,
    "disk": watch_disk,
    "engine_jobs": _reap,
    "work": remove_stale,
    "partials": remove_partials,
    "uploads": remove_unfinished,
    "files": check_files,
    "unknown": tell_unknown,
    "quarantine": tell_expired,
    "versions": retire_versions,
    "logs": remove_old_logs,
}


def sweep(means: Round) -> dict[str, Counts]:
    """Look after every concern once; returns the counts of each, nothing where another sweep is under way.

    A concern that fails never stops the others; it is told once until it works again.
    """
    counts: dict[str, Counts] = {}
    failures: dict[str, Exception] = {}
    with book.housekeeping_lock(means.ledger) as alone:
        if not alone:
            log.info("another sweep is under way")
            return {}
        for name, concern in CONCERNS.items():
            try:
                counts[name] = concern(means)
            except Exception as error:
                if means.ledger.broken or means.ledger.closed:
                    raise
                log.exception("a concern of housekeeping failed", concern=name)
                failures[name] = error
        _tell_failed(means, failures)
        means.done(SWEEP)
    return counts


def _tell_failed(means: Round, failures: dict[str, Exception]) -> None:
    for name in means.untold(FAILED, failures):
        error = failures[name]
        means.tell(
            FAILED,
            f"Housekeeping cannot look after {name.replace('_', ' ')}: {str(error) or type(error).__name__}",
            concern=name,
            code=error.code if isinstance(error, AerodagError) else f"unexpected.{type(error).__name__}",
        )
