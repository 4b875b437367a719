"""A survey to be sent to a node, and what the node makes of it."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

from aerodag.photogrammetry.jobs import JobState, Look, Order, Ticket
from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs
from aerodag.settings import NodeOdm
from servers.nodeodm import NodeServer
from servers.nodeodm_node import Node

TICKET = Ticket(dataset_id=1, run_id=7, attempt=2)
ARGUMENTS = ("--dsm", "--orthophoto-resolution", "2.4", "--max-concurrency=3")
TOKEN = "s3cret+/token"
IMAGES = {f"DJI_{number:04}.JPG": bytes([number]) * (3000 + number) for number in range(12)}


def packed(files: dict) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def results_tree(folder: Path) -> dict[str, bytes]:
    """ODM's results, the orthophoto a real one."""
    ortho = folder / "odm_orthophoto.tif"
    place = {"crs": "EPSG:32633", "transform": from_origin(500000, 5400000, 0.05, 0.05)}
    with rasterio.open(ortho, "w", driver="GTiff", width=256, height=256, count=4, dtype="uint8", **place) as out:
        out.write(np.random.default_rng(5).integers(0, 255, (4, 256, 256), "uint8"))
    return {
        "odm_orthophoto/odm_orthophoto.tif": ortho.read_bytes(),
        "odm_report/shots.geojson": b'{"type":"FeatureCollection","features":[]}',
        "odm_report/stats.json": b"{}",
        "images.json": b"[]",
        "cameras.json": b"{}",
        "task_output.txt": b"[INFO]    Finished odm_report stage",
    }


def make_project(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    for name, content in IMAGES.items():
        (folder / "images" / name).write_bytes(content)
    (folder / "geo.txt").write_text("EPSG:4326\nDJI_0000.JPG 15.1 48.7 410\n")
    (folder / "gcp_list.txt").write_text("EPSG:32633\n500001 5399999 400 10 10 DJI_0000.JPG\n")
    (folder / "boundary.geojson").write_text('{"type": "FeatureCollection",\n "features": []}')
    return folder


def jobs_on(node: NodeServer, **rest) -> NodeOdmJobs:
    endpoint = NodeOdm(url=node.url, token=TOKEN, parallel_uploads=4)
    return NodeOdmJobs(endpoint, **{"owner": "test", "wait_seconds": 3, "pause": 0.05} | rest)


def order_of(project: Path, arguments: tuple[str, ...] = ARGUMENTS, ticket: Ticket = TICKET) -> Order:
    return Order(ticket=ticket, project=project, arguments=arguments)


def ended(jobs: NodeOdmJobs, job: str) -> Look:
    deadline = time.monotonic() + 5
    while jobs.look(job).state is JobState.RUNNING:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return jobs.look(job)


def read_until(jobs: NodeOdmJobs, job: str, seen: list, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(seen) < count:
        assert time.monotonic() < deadline
        seen += jobs.lines(job, after=len(seen))


def whole(node: Node, job: str) -> bool:
    """Whether the node has every file that was sent, once, as it was."""
    folder = node.tasks[job].folder
    stored = {file.name: file.read_bytes() for file in (folder / "images").iterdir()}
    return stored == IMAGES and sorted(file.name for file in (folder / "gcp").iterdir()) == ["gcp_list.txt", "geo.txt"]
