"""Vegetation indices and stress cells in the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors

from aerodag import ledger
from aerodag.errors import ConfigError
from aerodag.ledger.data.indices import StressCell, VegetationIndex, list_indices, list_stress_cells, replace_indices

SQUARE = {"type": "Polygon", "coordinates": [[[9.0, 48.0], [9.1, 48.0], [9.1, 48.1], [9.0, 48.0]]]}
NDVI = VegetationIndex(
    name="ndvi",
    note="uncalibrated",
    count=12_000_000_000,
    mean=0.51,
    std=0.2,
    min=-0.75,
    max=0.93,
    percentiles={"2": 0.01, "50": 0.55, "98": 0.9},
    classes=[{"name": "bare", "low": None, "high": 0.1, "area_m2": 12.5, "share": 0.25}],
    healthy=0.8,
)
EVI = VegetationIndex(name="evi", reason="needs blue; the raster has green, red, nir")


def cell(row: int, col: int, **changes: object) -> StressCell:
    given: dict[str, object] = {
        "name": "ndvi", "row": row, "col": col, "mean": 0.4, "valid_share": 1.0, "severity": 0.57, "footprint": SQUARE,
    }  # fmt: skip
    return StressCell(**(given | changes))  # type: ignore[arg-type]


@pytest.fixture
def conn(ledger_connection: psycopg.Connection) -> psycopg.Connection:
    return ledger_connection


@pytest.fixture
def run_id(conn: psycopg.Connection, dataset: ledger.Dataset) -> int:
    return open_run(conn, dataset.id)


def open_run(conn: psycopg.Connection, dataset_id: int) -> int:
    return ledger.open_run(
        conn,
        dataset_id=dataset_id,
        dag_run_id=f"manual_{dataset_id}",
        task_types=["indices"],
        preset="fast",
        engine="auto",
        options={},
        priority=2,
    ).id


def test_they_come_back_as_they_went(conn: psycopg.Connection, run_id: int) -> None:
    cells = [cell(1, 0), cell(0, 9, mean=None, severity=None, valid_share=0.02)]
    replace_indices(conn, run_id=run_id, indices=[NDVI, EVI], cells=cells)
    found = list_indices(conn, run_id=run_id)
    assert found == [NDVI, VegetationIndex(name="evi", reason=EVI.reason, classes=[])]
    assert list_stress_cells(conn, run_id=run_id, name="ndvi") == [cells[1], cells[0]]
    assert list_stress_cells(conn, run_id=run_id, name="evi") == []
    (dataset,) = conn.execute("select distinct dataset_id from aerodag.vegetation_index").fetchall()
    assert dataset == conn.execute("select dataset_id from aerodag.run where id = %s", [run_id]).fetchone()


def test_again_replaces_all(conn: psycopg.Connection, run_id: int) -> None:
    replace_indices(conn, run_id=run_id, indices=[NDVI, EVI], cells=[cell(0, 0), cell(0, 1)])
    replace_indices(conn, run_id=run_id, indices=[NDVI], cells=[cell(5, 5)])
    assert list_indices(conn, run_id=run_id) == [NDVI]
    assert list_stress_cells(conn, run_id=run_id, name="ndvi") == [cell(5, 5)]
    replace_indices(conn, run_id=run_id, indices=[])
    assert list_indices(conn, run_id=run_id) == []


def test_what_is_not_a_number_is_null(conn: psycopg.Connection, run_id: int) -> None:
    odd = VegetationIndex(name="gli", count=1, mean=0.1, std=math.nan, min=-math.inf, max=math.inf,
                          percentiles={"2": math.nan}, classes=[{"name": "bare", "area_m2": math.nan}])  # fmt: skip
    replace_indices(
        conn, run_id=run_id, indices=[odd], cells=[cell(0, 0, name="gli", mean=math.nan, severity=math.nan)]
    )
    (found,) = list_indices(conn, run_id=run_id)
    assert (found.std, found.min, found.max, found.percentiles) == (None, None, None, {"2": None})
    assert found.classes == [{"name": "bare", "area_m2": None}]
    (stored,) = list_stress_cells(conn, run_id=run_id, name="gli")
    assert (stored.mean, stored.severity) == (None, None)


@pytest.mark.parametrize(
    ("indices", "cells", "error"),
    [
        ([NDVI, NDVI], [], errors.UniqueViolation),
        ([VegetationIndex(name="savi")], [], errors.CheckViolation),
        ([VegetationIndex(name="savi", mean=0.1, reason="needs nir")], [], errors.CheckViolation),
        ([NDVI], [cell(0, 0), cell(0, 0)], errors.UniqueViolation),
        ([NDVI], [cell(0, 10)], errors.CheckViolation),
        ([NDVI], [cell(0, 0, severity=1.5)], errors.CheckViolation),
        ([NDVI], [cell(0, 0, name="gli")], errors.ForeignKeyViolation),
    ],
)
def test_a_wrong_row_replaces_nothing(
    conn: psycopg.Connection,
    run_id: int,
    indices: list[VegetationIndex],
    cells: list[StressCell],
    error: type[errors.IntegrityError],
) -> None:
    replace_indices(conn, run_id=run_id, indices=[NDVI], cells=[cell(3, 3)])
    with pytest.raises(error):
        replace_indices(conn, run_id=run_id, indices=indices, cells=cells)
    assert list_indices(conn, run_id=run_id) == [NDVI]
    assert list_stress_cells(conn, run_id=run_id, name="ndvi") == [cell(3, 3)]


def test_an_unknown_run(conn: psycopg.Connection) -> None:
    with pytest.raises(ConfigError) as caught:
        replace_indices(conn, run_id=404, indices=[NDVI])
    assert caught.value.code == "run.unknown"


def test_who_sees_them(
    conn: psycopg.Connection, run_id: int, url_of_new_login: Callable[[str, str | None], str]
) -> None:
    replace_indices(conn, run_id=run_id, indices=[NDVI], cells=[cell(0, 0)])
    with ledger.connect(url_of_new_login("bo", "aerodag_reader")) as reader:
        assert list_indices(reader, run_id=run_id) == [NDVI]
        assert list_stress_cells(reader, run_id=run_id, name="ndvi") == [cell(0, 0)]
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("delete from aerodag.vegetation_index")
        conn.execute("update aerodag.dataset set access = 'private'")
        assert list_indices(reader, run_id=run_id) == []
        assert list_stress_cells(reader, run_id=run_id, name="ndvi") == []
    with (
        ledger.connect(url_of_new_login("stranger", None)) as stranger,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        list_indices(stranger, run_id=run_id)
