"""Versions of products: all are kept, one set is valid, and it changes when a run has finished."""

from __future__ import annotations

import psycopg
import pytest

from aerodag import ledger
from aerodag.errors import ConfigError
from cases.ledger import Flow


class Versions:
    """Products of one dataset by the number of the run that made them."""

    def __init__(self, conn: psycopg.Connection, dataset_id: int) -> None:
        self.conn, self.dataset_id = conn, dataset_id
        self.run_ids: dict[int, int] = {}

    def run(self, number: int, *products: str) -> None:
        """Another run that makes products, ``kind`` or ``kind/name``, and does not finish."""
        flow = Flow(self.conn, self.dataset_id, dag_run_id=f"run_{number}")
        self.run_ids[number] = flow.open().id
        for product in products:
            self.make(number, product)

    def make(self, number: int, product: str) -> ledger.Artifact:
        kind, _, name = product.partition("/")
        return ledger.record_artifact(
            self.conn,
            run_id=self.run_ids[number],
            kind=kind,
            name=name,
            uri=f"file:///{number}/{product}",
            bytes=number,
        )

    def finish(self, number: int) -> None:
        ledger.promote(self.conn, run_id=self.run_ids[number])
        self.end(number, "succeeded")

    def end(self, number: int, state: str) -> None:
        ledger.close_run(self.conn, dag_run_id=f"run_{number}", state=state)

    @property
    def valid(self) -> dict[str, int]:
        """Number of the run that made what is current, by product."""
        rows = self.conn.execute(
            "select kind || case when name = '' then '' else '/' || name end, bytes from aerodag.artifact "
            "where dataset_id = %s and is_current",
            [self.dataset_id],
        ).fetchall()
        return dict(rows)


@pytest.fixture
def versions(ledger_connection: psycopg.Connection, dataset: ledger.Dataset) -> Versions:
    return Versions(ledger_connection, dataset.id)


def test_the_first_products_are_valid_at_once(versions):
    versions.run(1, "orthophoto", "cog", "cog/archive")
    assert versions.valid == {"orthophoto": 1, "cog": 1, "cog/archive": 1}


def test_a_rerun_changes_nothing_until_it_finishes(versions):
    versions.run(1, "orthophoto", "cog", "cog/archive")
    versions.finish(1)
    versions.run(2, "orthophoto", "cog")
    assert versions.valid == {"orthophoto": 1, "cog": 1, "cog/archive": 1}
    versions.finish(2)
    assert versions.valid == {"orthophoto": 2, "cog": 2, "cog/archive": 1}


def test_a_rerun_that_fails_leaves_the_good_products(versions):
    versions.run(1, "orthophoto", "cog", "thumbnail")
    versions.finish(1)
    versions.run(2, "orthophoto", "thumbnail", "indices/ndvi")
    versions.end(2, "failed")
    assert versions.valid == {"orthophoto": 1, "cog": 1, "thumbnail": 1, "indices/ndvi": 2}


def test_what_belongs_to_a_reconstruction_goes_with_it(versions):
    versions.run(1, "orthophoto", "dsm", "point_cloud", "thumbnail")
    versions.finish(1)
    versions.run(2, "orthophoto")
    versions.finish(2)
    assert versions.valid == {"orthophoto": 2, "thumbnail": 1}
    versions.run(3, "thumbnail")
    versions.finish(3)
    assert versions.valid == {"orthophoto": 2, "thumbnail": 3}


def test_finishing_an_earlier_run_again_goes_back(versions):
    versions.run(1, "orthophoto", "dsm", "cog")
    versions.finish(1)
    versions.run(2, "orthophoto", "cog")
    versions.finish(2)
    ledger.promote(versions.conn, run_id=versions.run_ids[1])
    assert versions.valid == {"orthophoto": 1, "dsm": 1, "cog": 1}
    kept = versions.conn.execute("select count(*) from aerodag.artifact").fetchone()
    assert kept == (5,)


def test_evidence_is_valid_at_once(versions):
    versions.run(1, "preflight", "engine_log")
    versions.end(1, "failed")
    versions.run(2, "preflight")
    assert versions.valid == {"preflight": 2, "engine_log": 1}


def test_a_product_made_again_in_its_run_stays_what_it_was(versions):
    versions.run(1, "cog")
    versions.finish(1)
    versions.run(2, "cog")
    first = versions.make(2, "cog")
    again = versions.make(2, "cog")
    assert (first.id, first.is_current, again.is_current) == (again.id, False, False)
    versions.finish(2)
    assert versions.make(2, "cog").is_current


def test_a_step_works_on_its_own_run_first(versions):
    versions.run(1, "orthophoto", "cog")
    versions.finish(1)
    versions.run(2, "orthophoto")
    key = {"dataset_id": versions.dataset_id, "run_id": versions.run_ids[2]}
    own = ledger.source_artifact(versions.conn, **key, kind="orthophoto")
    before = ledger.source_artifact(versions.conn, **key, kind="cog")
    assert (own.bytes, before.bytes) == (2, 1)
    assert ledger.source_artifact(versions.conn, **key, kind="cog", name="archive") is None


def test_the_views_count_versions_of_one_product(versions):
    versions.run(1, "cog", "cog/archive", "thumbnail", "thumbnail/256.jpeg")
    versions.finish(1)
    versions.run(2, "cog", "cog/archive")
    versions.finish(2)
    assert versions.conn.execute("select version, cog_path from v2_cogs").fetchall() == [(2, "file:///2/cog")]
    assert versions.conn.execute("select version from v2_thumbnails").fetchall() == [(1,)]


def test_an_unknown_run_cannot_be_promoted(versions):
    with pytest.raises(ConfigError) as caught:
        ledger.promote(versions.conn, run_id=404)
    assert caught.value.code == "run.unknown"
