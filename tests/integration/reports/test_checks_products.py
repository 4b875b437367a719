"""The checks on a real map: a GeoTIFF that went through every product step."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from cases.products import ProductFlow
from samples.rasters import save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.mark.parametrize("web_grid", ["native", "web_mercator"])
def test_an_uploaded_map(
    ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path, web_grid: str
) -> None:
    flow = ProductFlow(ledger_connection, database_url, tmp_path, web_grid=web_grid)
    run = flow.open(flow.upload(save_rgba(tmp_path / "map.tif", 900)))
    flow.steps()
    results = {result.name: result for result in ledger.evaluate_checks(ledger_connection, run_id=run.id)}
    known = {name: result.value for name, result in results.items() if result.value is not None}
    assert known.pop("products.cog_same_extent") == pytest.approx(1, abs=0.03)
    assert known.pop("geometry.valid_share") > 0.3
    assert known.pop("products.thumbnails") == len(flow.settings.products.thumbnail_sizes) * len(
        flow.settings.products.thumbnail_formats
    )
    assert known == {"products.missing": 0, "products.checksummed_share": 1, "products.serious_findings": 0}
    assert {result.verdict for result in results.values()} == {"pass", "unknown"}
    told = {result.topic: result.reason for result in results.values() if result.reason}
    assert told["registration"] == "The upload is a finished map."
    assert told["images"] == "The upload has no images."
