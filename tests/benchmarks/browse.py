"""The pages' questions on a ledger of 100,000 datasets and 10 million images: each has to be answered within 100 ms.

``python tests/benchmarks/browse.py [--datasets N] [--keep FOLDER] [--no-server]``: first asked of the database, then of
Airflow's API server, login and all. A kept folder is not filled again.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

sys.path.insert(0, str(Path(__file__).parents[1]))

import ledger as ledger_benchmark

from aerodag import ledger
from aerodag.ledger import browse
from conftest import url_of
from samples.ledger_bulk import IMAGES_PER_DATASET
from systems.api_server import ApiServer, api_server

LIMIT_MS = 100.0
RUNS = 40
OPERATOR = browse.Viewer("olga", may_edit=True)
OWNER = browse.Viewer("owner_7", may_edit=False)
WORLD = (-180.0, -90.0, 180.0, 90.0)
VIEWS = {"world": (WORLD, 1.0), "continent": ((-20.0, -20.0, 20.0, 20.0), 3.0), "town": ((5.0, 5.0, 5.5, 5.5), 11.0)}
SEARCHES = {"rare word": "survey_4711.", "common word": "survey", "no match": "nothing_like_it", "two letters": "zq"}
Ask = Callable[[psycopg.Connection, int], object]


def questions() -> dict[str, Ask]:
    """All that the pages ask, by name; each is asked about another dataset every time."""
    found: dict[str, Ask] = {
        "list, first page": lambda conn, _: browse.list_datasets(conn, OPERATOR, browse.Search(), limit=50),
        "list, any page": _page,
        "list, largest page": lambda conn, _: browse.list_datasets(conn, OPERATOR, browse.Search(), limit=200),
        "list, no geotiff": lambda conn, _: browse.list_datasets(
            conn, OWNER, browse.Search(), limit=50, upload_type="geotiff"
        ),
        "dataset": lambda conn, number: browse.find_dataset(conn, OWNER, dataset_id=number),
        "runs and products": _products,
        "exposures": lambda conn, number: browse.exposures(conn, dataset_id=number, photos="/photos/"),
        "statistics, operator": lambda conn, _: browse.statistics(conn, OPERATOR),
        "statistics, owner": lambda conn, _: browse.statistics(conn, OWNER),
        "file": lambda conn, number: browse.find_file(conn, OWNER, artifact_id=number),
    }
    for state in browse.STATES:
        found[f"list, {state}"] = _listed(browse.Search(state=state))
    for name, words in SEARCHES.items():
        found[f"search, {name}"] = _listed(browse.Search(words=words))
        found[f"map of the world, {name}"] = _mapped(WORLD, 1.0, browse.Search(words=words))
    for name, (view, zoom) in VIEWS.items():
        found[f"map, {name}"] = _mapped(view, zoom, browse.Search())
    found["map of the world, failed"] = _mapped(WORLD, 1.0, browse.Search(state="failed"))
    found["map, town, failed"] = _mapped(*VIEWS["town"], browse.Search(state="failed"))
    found["map, town, rare word"] = _mapped(*VIEWS["town"], browse.Search(words=SEARCHES["rare word"]))
    return found


def _listed(search: browse.Search) -> Ask:
    return lambda conn, _: browse.list_datasets(conn, OWNER, search, limit=50)


def _page(conn: psycopg.Connection, number: int) -> object:
    row = conn.execute("select created_at from aerodag.dataset where id = %s", [number]).fetchone()
    assert row
    return browse.list_datasets(conn, OWNER, browse.Search(), limit=50, after=browse.Place(row[0], number))


def _products(conn: psycopg.Connection, number: int) -> object:
    runs = browse.runs_of(conn, dataset_id=number)
    return browse.products_of(conn, run_ids=[run.run_id for run in runs])


def _mapped(view: browse.Box, zoom: float, search: browse.Search) -> Ask:
    return lambda conn, _: browse.look(conn, OWNER, search, view, zoom)


def paths(datasets: int) -> Mapping[str, Callable[[random.Random], str]]:
    """The same of the API, by name."""

    def number(chance: random.Random) -> int:
        return chance.randrange(1, datasets * 9 // 10) // 100 * 100 or 100

    return {
        "GET me": lambda _: "/api/me",
        "GET datasets": lambda _: "/api/datasets",
        "GET datasets?search": lambda chance: f"/api/datasets?search=survey_{number(chance)}",
        "GET datasets?state": lambda _: "/api/datasets?state=degraded&limit=200",
        "GET datasets/ID": lambda chance: f"/api/datasets/{number(chance)}",
        "GET datasets/ID/exposures": lambda chance: f"/api/datasets/{number(chance)}/exposures",
        "GET map, world": lambda _: "/api/map?bbox=-180,-90,180,90&zoom=1",
        "GET map, town": lambda _: "/api/map?bbox=5,5,5.5,5.5&zoom=11",
        "GET statistics": lambda _: "/api/statistics",
        "GET runs/ID/timeline": lambda chance: f"/api/runs/scheduled__{number(chance)}_0/timeline",
    }


def time_database(url: str, datasets: int) -> list[ledger_benchmark.Timing]:
    """As the API's own login asks: every request has a connection of its own, so nothing is prepared."""
    with ledger.connect(url_of(url, user=ledger_benchmark.WORKER)) as conn:
        conn.prepare_threshold = None
        return [ledger_benchmark.measure(conn, name, ask, datasets) for name, ask in questions().items()]


def time_server(url: str, datasets: int) -> list[ledger_benchmark.Timing]:
    """As a browser asks."""
    parts = conninfo_to_dict(url)
    connection = {
        "conn_type": "postgres",
        "host": parts["host"],
        "schema": parts["dbname"],
        "login": ledger_benchmark.WORKER,
    }
    with (
        tempfile.TemporaryDirectory(prefix="aerodag-browse-") as home,
        api_server(Path(home), {"AIRFLOW_CONN_AERODAG": json.dumps(connection)}) as server,
    ):
        return [_time_path(server, url, name, path) for name, path in paths(datasets).items()]


def _time_path(server: ApiServer, url: str, name: str, path: Callable[[random.Random], str]) -> ledger_benchmark.Timing:
    chance = random.Random(name)
    taken: list[float] = []
    with server.client("olga") as client:
        for run in range(-2, RUNS):
            asked = path(chance)
            if run == 0:
                before = _worked(server, url)
            started = time.perf_counter()
            answer = client.get(asked)
            assert answer.status_code == 200, answer.text
            if run >= 0:
                taken.append((time.perf_counter() - started) * 1000)
    return ledger_benchmark.Timing(name, tuple(taken), (_worked(server, url) - before) / RUNS * 1000)


def _worked(server: ApiServer, url: str) -> float:
    """Seconds that processors have worked for the API server and its connections to the ledger."""
    assert server.process is not None
    family = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    with psycopg.connect(url) as conn:
        backends = conn.execute("select pid from pg_stat_activity where usename = %s", [ledger_benchmark.WORKER])
        family += [psutil.Process(pid) for (pid,) in backends]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def report(title: str, timings: Sequence[ledger_benchmark.Timing]) -> list[str]:
    """Print, slowest first; returns the names of what is too slow."""
    print(f"  {title:<44} {'work':>8} {'p50':>8} {'p95':>8}  p95 / {LIMIT_MS:.0f} ms")
    for timing in sorted(timings, key=lambda one: -one.p95):
        figures = f"{timing.work:8.1f} {timing.median:8.1f} {timing.p95:8.1f}  {timing.p95 / LIMIT_MS:.2f}"
        print(f"  {timing.name:<44} {figures}")
    return [timing.name for timing in timings if timing.p95 > LIMIT_MS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, ask, print; 1 where something is slower than the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--keep", type=Path, help="folder of the database, kept for the next time")
    parser.add_argument("--no-server", action="store_true", help="ask the database alone")
    options = parser.parse_args(arguments)
    folder = options.keep or Path(tempfile.mkdtemp(prefix="aerodag-ledger-"))
    try:
        with ledger_benchmark.bulk_ledger(folder, options.datasets) as url:
            print(f"{options.datasets:,} datasets, {options.datasets * IMAGES_PER_DATASET:,} images")
            slow = report("of the database, milliseconds", time_database(url, options.datasets))
            if not options.no_server:
                slow += report("of the API server, milliseconds", time_server(url, options.datasets))
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    print(f"  load {psutil.getloadavg()[0]:.1f} on {psutil.cpu_count()} cores")
    if slow:
        print(f"too slow: {', '.join(slow)}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
