"""Kills the parts of a running set-up at random while datasets come in, and judges what is left when all is quiet.

    python tests/chaos/chaos.py --datasets 50 --seed 1 --kills 40

Every choice comes from the seed; when exactly a process dies depends on the machine. Exit code 0: nothing was lost,
doubled, left running, broken or orphaned; 1: something was, and the report says what; 2: it could not be judged.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import judgement
import psycopg
from kills import VICTIMS, kill, plan_kills
from rich.console import Console
from rich.table import Table
from system import ChaosSystem
from uploads import Upload, again, make_uploads

LOOK_SECONDS = 0.5
# A victim that is not there at its moment, because it was killed just before, is waited for.
WAIT_FOR_VICTIM_SECONDS = 30.0
GHOST_SECONDS = 600.0
JUDGED = "no dataset lost, none twice, no ghost, every file whole, Airflow and the ledger agree, no orphan"


@dataclass(slots=True)
class Course:
    """What happened so far."""

    killed: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    last_kill: float = 0.0
    overlaps: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)


def main() -> int:
    """Run, judge, print."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # leaves nothing running
    console = Console(stderr=True, soft_wrap=True)
    random = Random(options.seed)
    folder = Path(options.home or tempfile.mkdtemp(prefix="chaos"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the database may run as a user of its own
    began = time.monotonic()
    console.print(f"making {options.datasets} uploads below {folder}")
    uploads = make_uploads(folder / "uploads", options.datasets, options.surveys, random)
    system = ChaosSystem(folder / "home")
    system.home.mkdir()
    course = Course(seconds={"uploads": time.monotonic() - began})
    try:
        system.start()
        course.seconds["start"] = time.monotonic() - began - course.seconds["uploads"]
        _disturb(system, uploads, folder, options, random, course, console)
        _settle(system, uploads, course, options.patience, console)
        problems = _judge(system, uploads, course)
        counts = judgement.counts(system)
    finally:
        system.stop()
    problems["orphans"] += [f"{entry} outlived the set-up" for entry in system.left_over()]
    _report(options, course, counts, problems, console)
    wrong = any(problems.values())
    if not (wrong or options.keep):
        shutil.rmtree(folder)
    return int(wrong)


def _disturb(
    system: ChaosSystem,
    uploads: list[Upload],
    folder: Path,
    options: argparse.Namespace,
    random: Random,
    course: Course,
    console: Console,
) -> None:
    """Drop and kill, each at its moment."""
    seconds = options.spacing * len(uploads)
    drops = [(options.spacing * place, upload) for place, upload in enumerate(uploads)]
    drops += [
        (options.spacing * (place + random.uniform(1, 6)), copy) for place, copy in again(uploads, folder, random)
    ]
    moments: list[tuple[float, str, Upload | None]] = [(moment, "drop", upload) for moment, upload in drops]
    moments += [
        (moment, kind, None)
        for moment, kind in plan_kills(options.victims, options.kills, seconds * options.reach, random)
    ]
    began = time.monotonic()
    for moment, what, upload in sorted(moments, key=lambda entry: (entry[0], entry[1])):
        _wait_until(began + moment, system, course)
        if upload is not None:
            system.drop(upload)
            console.print(f"{moment:6.0f} s  drop {upload.name}", style="dim")
        else:
            _kill(system, what, random, course)
            console.print(f"{time.monotonic() - began:6.0f} s  kill {what}")
    course.seconds["disturbed"] = time.monotonic() - began


def _kill(system: ChaosSystem, kind: str, random: Random, course: Course) -> None:
    until = time.monotonic() + WAIT_FOR_VICTIM_SECONDS
    while not kill(system, kind, random):
        if time.monotonic() > until:
            course.missed[kind] += 1
            return
        _look(system, course)
        time.sleep(0.1)
    course.killed[kind] += 1
    course.last_kill = time.monotonic()


def _settle(system: ChaosSystem, uploads: list[Upload], course: Course, patience: float, console: Console) -> None:
    """Wait until all is quiet, or until patience ends; the judgement tells which."""
    began = time.monotonic()
    told = began
    while (open_work := _open_work(system, uploads)) and time.monotonic() - began < patience:
        if time.monotonic() - told > 30:
            told = time.monotonic()
            console.print(f"{told - began:6.0f} s after the last moment: {open_work}", style="dim")
        _wait_until(time.monotonic() + 3, system, course)
    course.seconds["settled"] = time.monotonic() - began
    course.last_kill = course.last_kill or began
    # Ghosts have their ten minutes; where there is none, nobody has to wait.
    while time.monotonic() - course.last_kill < GHOST_SECONDS and _ghosts(system):
        _wait_until(time.monotonic() + 5, system, course)
    course.seconds["ghosts gone"] = time.monotonic() - course.last_kill


def _open_work(system: ChaosSystem, uploads: list[Upload]) -> str:
    """What is still to do, in words; empty when all is quiet."""
    try:
        waiting = len(list(system.incoming.iterdir()))
        rows = system.ledger(
            """
            select (select count(*) from aerodag.dataset) as datasets,
                (select count(*) from aerodag.run where state not in ('queued', 'running')) as ended
            """
        )
        active = system.airflow(
            "select count(*) as n from dag_run where dag_id = 'process_dataset' and state in ('queued', 'running')"
        )
    except (psycopg.Error, RuntimeError) as error:
        return f"no answer: {str(error).strip().splitlines()[0]}"
    contents = len({upload.sha256 for upload in uploads})
    if waiting == 0 and rows[0]["datasets"] >= contents <= rows[0]["ended"] and active[0]["n"] == 0:
        return ""
    return f"{waiting} files wait, {rows[0]['ended']} of {contents} runs have ended, {active[0]['n']} are active"


def _ghosts(system: ChaosSystem) -> list[str]:
    try:
        return judgement.ghosts(system)
    except psycopg.Error as error:
        return [str(error)]


def _judge(system: ChaosSystem, uploads: list[Upload], course: Course) -> dict[str, list[str]]:
    return {
        "lost": judgement.lost(system, uploads),
        "twice": judgement.twice(system, uploads, course.overlaps),
        "ghosts": judgement.ghosts(system),
        "broken": judgement.broken(system),
        "disagreements": judgement.disagreements(system),
        "orphans": system.orphans(),
    }


def _wait_until(moment: float, system: ChaosSystem, course: Course) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(min(left, LOOK_SECONDS))
        _look(system, course)


def _look(system: ChaosSystem, course: Course) -> None:
    """Bury the dead, and note where two engines work on the same images."""
    with contextlib.suppress(ProcessLookupError):
        system.reap()
    projects = Counter(project for project, _ in system.engines())
    course.overlaps |= {project for project, engines in projects.items() if engines > 1}


def _report(
    options: argparse.Namespace,
    course: Course,
    counts: dict[str, object],
    problems: dict[str, list[str]],
    console: Console,
) -> None:
    report = {
        "seed": options.seed,
        "kills": dict(course.killed),
        "no_victim": dict(course.missed),
        **counts,
        "seconds": {name: round(seconds) for name, seconds in course.seconds.items()},
        "problems": problems,
    }
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    table = Table("", "", title=f"chaos, seed {options.seed}")
    table.add_row("kills", ", ".join(f"{count} {kind}" for kind, count in sorted(course.killed.items())))
    for name, value in (counts | report["seconds"]).items():
        table.add_row(name, str(value))
    for name, found in problems.items():
        table.add_row(name, "none" if not found else "\n".join(found), style="red" if found else "green")
    console.print(table)
    console.print(JUDGED if not any(problems.values()) else "It did not hold; the set-up's files were kept.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=50)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spacing", type=float, default=15.0, help="seconds between two uploads")
    parser.add_argument("--reach", type=float, default=1.2, help="kills last this much longer than the uploads")
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds to wait for quiet after the last kill")
    parser.add_argument("--surveys", type=float, default=0.4, help="share that needs the engine, the rest are GeoTIFFs")
    parser.add_argument("--victims", nargs="+", choices=list(VICTIMS), default=list(VICTIMS))
    parser.add_argument("--home", help="an empty folder to work in; a new one below /tmp when not given")
    parser.add_argument("--json", help="also write the report to this file")
    parser.add_argument("--keep", action="store_true", help="keep the files also when all is well")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (psycopg.Error, RuntimeError) as error:
        print(f"It could not be judged: {error}", file=sys.stderr)
        sys.exit(2)
