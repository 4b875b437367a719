"""Reports and lists on a ledger of 100,000 datasets and 10 million images: each has to answer within 100 ms.

``python tests/benchmarks/ledger.py [--datasets N] [--keep FOLDER]``; a kept folder is not filled again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
from psycopg import sql

sys.path.insert(0, str(Path(__file__).parents[1]))

from aerodag import ledger
from aerodag.ledger.migrate import migrate
from aerodag.local.postgres import embedded_server
from aerodag.monitoring.figures import read_figures
from conftest import url_of
from samples.ledger_bulk import IMAGES_PER_DATASET, fill

LIMIT_MS = 100.0
RUNS = 40
DATABASE = "ledger"
WORKER, READER = "bench_worker", "bench_reader"
VIEWS = (
    *("v2_raw_images", "v2_statuses", "v2_orthos", "v2_cogs", "v2_thumbnails", "v2_metadata"),
    "v2_processing_overview",
)
Ask = Callable[[psycopg.Connection, int], object]


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds that a question took, over all its runs, and those that the server's processor worked for it."""

    name: str
    milliseconds: tuple[float, ...]
    work: float

    @property
    def median(self) -> float:
        return statistics.median(self.milliseconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20, method="inclusive")[-1]


def questions() -> dict[str, Ask]:
    """All that is timed, by name; each is asked about another dataset every time."""
    reports = {f"report {name}": _report(name) for name in ledger.REPORTS}
    views = {f"{view} of a dataset": _rows("select * from {} where dataset_id = %(id)s", view) for view in VIEWS}
    lists = {
        f"{view}, newest 50": _rows("select * from {} order by dataset_id desc limit 50", view)
        for view in ("v2_statuses", "v2_processing_overview")
    }
    return {
        **reports,
        "dataset_overview": _named("dataset_overview"),
        "starts_due": lambda conn, _: ledger.starts_due(conn, places=32),
        "past_engine_runs": lambda conn, _: ledger.past_engine_runs(conn),
        "list_images of a dataset": lambda conn, number: ledger.list_images(conn, dataset_id=number),
        "images_known_elsewhere": lambda conn, number: ledger.images_known_elsewhere(conn, dataset_id=number),
        "evaluate_checks": lambda conn, number: ledger.evaluate_checks(conn, run_id=number),
        "run_checks": lambda conn, number: ledger.run_checks(conn, run_id=number),
        "a scrape of the exporter": lambda conn, _: read_figures(conn),
        **views,
        **lists,
    }


def _report(name: str) -> Ask:
    return lambda conn, _: ledger.make_report(conn, name)


def _named(name: str) -> Ask:
    return lambda conn, _: conn.execute(ledger.query(name)).fetchall()


def _rows(statement: LiteralString, view: str) -> Ask:
    composed = sql.SQL(statement).format(sql.Identifier(view))
    return lambda conn, number: conn.execute(composed, {"id": number}).fetchall()


def measure(conn: psycopg.Connection, name: str, ask: Ask, datasets: int) -> Timing:
    """Ask once to warm up, then time it."""
    chance = random.Random(name)
    ask(conn, 1)
    taken: list[float] = []
    backend = psutil.Process(conn.info.backend_pid)
    before = backend.cpu_times()
    for _ in range(RUNS):
        # Every hundredth one shares its images with another.
        number = chance.randrange(1, datasets * 9 // 10) // 100 * 100 or 100
        started = time.perf_counter()
        ask(conn, number)
        taken.append((time.perf_counter() - started) * 1000)
    after = backend.cpu_times()
    work = (after.user + after.system - before.user - before.system) / RUNS * 1000
    return Timing(name, tuple(taken), work)


@contextmanager
def bulk_ledger(folder: Path, datasets: int) -> Iterator[str]:
    """URL of the owner of a filled ledger in ``folder``."""
    server = embedded_server(folder)
    try:
        url = url_of(server.get_uri(), dbname=DATABASE)
        migrate(url)
        with psycopg.connect(url, autocommit=True) as conn:
            held = conn.execute("select count(*) from aerodag.dataset").fetchone()
            assert held
            if not held[0]:
                conn.execute("alter system set max_wal_size = '8GB'")
                conn.execute("alter system set fsync = off")
                conn.execute("select pg_reload_conf()")
                _logins(conn)
        if not held[0]:
            fill(url, datasets, lambda line: print(f"  {line}", flush=True))
        yield url
    finally:
        server.cleanup()


def _logins(conn: psycopg.Connection) -> None:
    for login, role in ((WORKER, "aerodag_worker"), (READER, "aerodag_reader")):
        conn.execute(sql.SQL("create role {} login in role {}").format(sql.Identifier(login), sql.Identifier(role)))


def time_all(url: str, datasets: int) -> list[Timing]:
    """Everything as the pipeline's own login asks, and the platform's views as a reader, whom row policies check."""
    asked = questions()
    with ledger.connect(url_of(url, user=WORKER)) as worker, ledger.connect(url_of(url, user=READER)) as reader:
        timings = [measure(worker, name, ask, datasets) for name, ask in asked.items()]
        views = [name for name in asked if name.startswith("v2_")]
        timings += [measure(reader, f"{name} (reader)", asked[name], datasets) for name in views]
    return timings


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, ask, print; 1 where something is slower than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="folder of the database, kept for the next time")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="aerodag-ledger-"))
    try:
        with bulk_ledger(folder, options.datasets) as url:
            with psycopg.connect(url) as conn:
                size = conn.execute("select pg_size_pretty(pg_database_size(current_database()))").fetchone()
            timings = time_all(url, options.datasets)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    print(f"{options.datasets:,} datasets, {options.datasets * IMAGES_PER_DATASET:,} images, {size and size[0]}")
    print(f"  load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores; milliseconds, {RUNS} times each")
    print(f"  {'':<44} {'work':>8} {'p50':>8} {'p95':>8}  p95 / {LIMIT_MS:.0f} ms")
    for timing in sorted(timings, key=lambda one: -one.p95):
        figures = f"{timing.work:8.1f} {timing.median:8.1f} {timing.p95:8.1f}  {timing.p95 / LIMIT_MS:.2f}"
        print(f"  {timing.name:<44} {figures}")
    slow = [timing.name for timing in timings if timing.p95 > LIMIT_MS]
    if slow:
        print(f"too slow: {', '.join(slow)}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
