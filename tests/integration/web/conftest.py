"""One API server for all tests of the web room, with datasets that belong to somebody."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aerodag import ledger
from aerodag.findings import Finding, Severity
from aerodag.ledger import Artifact, Dataset, Run
from aerodag.raster.cog import make_cog, web_profile
from aerodag.raster.extent.describe import describe
from aerodag.raster.picture.thumbnail import make_thumbnails
from samples.gallery import add_dataset, add_product, add_run, image, start_step, step
from samples.rasters import save, save_rgba
from systems.api_server import ApiServer, api_server

PAGE = "<!DOCTYPE html><title>report</title><script>document.title = 'read'</script>"


@dataclass
class Survey:
    """A processed dataset with its files."""

    dataset: Dataset
    run: Run
    products: dict[tuple[str, str], Artifact]

    def id(self, kind: str, name: str = "") -> int:
        return self.products[kind, name].id


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="session")
def surveys(server: ApiServer) -> dict[str, Survey]:
    """By access: datasets of anna that were processed, the public one in two versions."""
    files = _files(server.home / "made")
    found = {
        access: _survey(server, files, add_dataset(server.conn, f"{access} flight.zip", owner="anna", access=access))
        for access in ("public", "viewonly", "private")
    }
    _survey(server, files, found["public"].dataset, again=True)
    return found


@pytest.fixture(scope="session")
def asked(server: ApiServer) -> Run:
    """A run of a public dataset that waits for a person."""
    run = add_run(server.conn, add_dataset(server.conn, "asked.zip", owner="carl"), "running", "asked_1")
    ledger.ask_review(
        server.conn,
        run_id=run.id,
        due_at=datetime.now(UTC) + timedelta(hours=1),
        verdict="review",
        question="Go on?",
        default_answer="Accept",
    )
    return run


@pytest.fixture(scope="session")
def failed(server: ApiServer) -> Run:
    """A run of a public dataset whose engine failed twice."""
    dataset = add_dataset(server.conn, "failed.zip", owner="carl")
    run = add_run(server.conn, dataset, "running", "manual__2026-11-21T08:00:00+00:00")
    failure = ledger.Failure("odm.out_of_memory", "resources", "ODM needed more than 64 GB.", "Use fewer images.")
    step(server.conn, run, "odm", "retrying", failure)
    start_step(server.conn, run, "odm", try_number=2)
    ledger.step_finished(
        server.conn,
        dag_run_id=run.dag_run_id,
        name="odm",
        map_index=-1,
        try_number=2,
        host="gpu-2",
        started_at=run.created_at,
        finished_at=run.created_at + timedelta(minutes=3),
        state="failed",
        failure=failure,
    )
    return run


def _files(folder: Path) -> dict[tuple[str, str], Path]:
    folder.mkdir()
    ortho = save_rgba(folder / "ortho.tif")
    make_cog(ortho, folder / "cog.tif", web_profile("JPEG", 85, "native"))
    make_thumbnails(ortho, [(folder / "thumbnail.webp", 256)])
    heights = np.linspace(400, 500, 600 * 600, dtype=np.float32).reshape(1, 600, 600)
    values = np.linspace(-0.2, 0.9, 600 * 600, dtype=np.float32).reshape(1, 600, 600)
    (folder / "page.html").write_text(PAGE)
    (folder / "broken.tif").write_bytes(b"II*\x00 no raster")
    return {
        ("orthophoto", ""): ortho,
        ("cog", ""): folder / "cog.tif",
        ("cog", "broken"): folder / "broken.tif",
        ("cog", "gone"): folder / "gone.tif",
        ("thumbnail", ""): folder / "thumbnail.webp",
        ("dsm", ""): save(folder / "dsm.tif", heights, nodata=-9999),
        ("indices", "ndvi"): save(folder / "ndvi.tif", values, nodata=float("nan")),
        ("preflight", ""): folder / "page.html",
        ("report", ""): folder / "page.html",
    }


def _survey(server: ApiServer, files: dict[tuple[str, str], Path], dataset: Dataset, *, again: bool = False) -> Survey:
    conn = server.conn
    dag_run_id = f"{dataset.access}_{2 if again else 1}"
    if not again:
        taken = [
            image(f"DCIM/{number}.JPG", -92.0 + number * 1e-5, 46.8, rtk_flag=50 if number % 2 else 16)
            for number in range(40)
        ]
        taken.append(image("DCIM/blurred.JPG", -92.0, 46.8, status="rejected", reasons=["image.blurred"]))
        ledger.replace_images(conn, dataset_id=dataset.id, images=taken)
    run = add_run(conn, dataset, "succeeded", dag_run_id)
    blurred = Finding(Severity.WARNING, "image.blurred", "It is blurred.", "Fly slower.", "DCIM/blurred.JPG", {"n": 1})
    ledger.replace_findings(conn, run_id=run.id, step="assess_images", findings=[blurred])
    ledger.evaluate_checks(conn, run_id=run.id)
    products = {(kind, name): _product(server, run, kind, name, path) for (kind, name), path in files.items()}
    ledger.promote(conn, run_id=run.id)
    return Survey(dataset, run, products)


def _product(server: ApiServer, run: Run, kind: str, name: str, made: Path) -> Artifact:
    target = server.storage.product("cogs", run.dataset_id, run.id, f"{kind}{name}{made.suffix}")
    facts: dict[str, Any] = {"uri": target.as_uri(), "bytes": 0}
    if made.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, target)
        facts |= {"bytes": made.stat().st_size, "sha256": sha256(made.read_bytes()).hexdigest()}
    if made.suffix == ".tif" and "broken" not in made.name and made.exists():
        info = describe(made)
        grid = {"raster": {"valid_area_m2": info.valid_area_m2}}
        facts |= {"crs": info.crs, "footprint": info.footprint, "gsd_m": info.gsd_m, "details": grid}
        return add_product(server.conn, run, kind, info.bbox, name, **facts)
    return add_product(server.conn, run, kind, None, name, **facts)
