"""On a ledger after a year of work, what is picked from summaries is what the tables say."""

from __future__ import annotations

import pytest
from psycopg.rows import dict_row

from aerodag.ledger import browse
from samples.ledger_bulk import fill

OPERATOR = browse.Viewer("olga", may_edit=True)
OWNER = browse.Viewer("owner_7", may_edit=False)
WORLD = (-180.0, -90.0, 180.0, 90.0)
TABLES = """
    select
        dataset.id, dataset.access <> 'private' or dataset.owner = 'owner_7' as seen,
        (select count(*) from aerodag.image where dataset_id = dataset.id) as images,
        (
            select state from aerodag.run where dataset_id = dataset.id order by attempt_at desc, run.id desc limit 1
        ) as state
    from aerodag.dataset
    where archived_at is null and quarantined_at is null
    order by created_at desc, id desc
"""


@pytest.fixture
def truth(ledger_connection, ledger_database):
    fill(ledger_database.admin_url, 700)
    with ledger_connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(TABLES).fetchall()


def pages(conn, viewer, search, limit=37):
    place = None
    while found := browse.list_datasets(conn, viewer, search, limit=limit, after=place):
        yield from (item for item in found if item.state != "quarantined")
        place = browse.Place(found[-1].created_at, found[-1].id)


def test_all_questions_agree_with_the_tables(ledger_connection, truth):
    conn = ledger_connection
    for viewer in (OPERATOR, OWNER):
        expected = [row for row in truth if viewer.may_edit or row["seen"]]
        refused = browse.list_datasets(conn, viewer, browse.Search(state="quarantined"), limit=200)
        quarantined = {item.id for item in refused}
        listed = list(pages(conn, viewer, browse.Search()))
        kept = [row for row in expected if row["id"] not in quarantined]
        told = {item.id: item for item in listed}
        assert [row["id"] for row in kept] == [item.id for item in listed if item.id in {row["id"] for row in kept}]
        assert all(told[row["id"]].state == (row["state"] or "waiting") for row in kept)
        assert all(told[row["id"]].images == row["images"] for row in kept)
        for state in browse.STATES:
            found = [item.id for item in pages(conn, viewer, browse.Search(state=state))]
            assert found == [item.id for item in listed if item.state == state]
        figures = browse.statistics(conn, viewer)
        assert figures.datasets == len(listed) + len(quarantined)
        assert figures.by_state.get("succeeded") == sum(item.state == "succeeded" for item in listed)
        seen = browse.look(conn, viewer, browse.Search(), WORLD, 1)
        assert sum(cluster.count for cluster in seen.clusters) + len(seen.outlines or ()) == figures.datasets


def test_the_area_adds_up(ledger_connection, truth):
    (area,) = ledger_connection.execute("select sum(area_m2) from aerodag.dataset_summary").fetchone()
    assert browse.statistics(ledger_connection, OPERATOR).area_m2 == pytest.approx(area)
