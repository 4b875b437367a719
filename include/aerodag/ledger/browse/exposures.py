"""Where the images of a dataset were taken."""

from __future__ import annotations

import psycopg

from aerodag.ledger.database import query


def exposures(conn: psycopg.Connection, *, dataset_id: int, photos: str | None) -> str:
    """All images as a GeoJSON feature collection, made by the database: there may be 10,000.

    What has no position has no geometry.

    ``photos`` is the path below which a picture of each is found by its id; None where there are none.
    """
    rows = conn.execute(query("browse_exposures"), {"dataset_id": dataset_id, "photos": photos}).fetchall()
    return f'{{"type":"FeatureCollection","features":[{",".join(row[0] for row in rows)}]}}'
