"""Prepares an Airflow installation for the project: its database migrated, its pools, roles and first user made.

Run as ``python -m aerodag.airflow.bootstrap``; safe to run again. Roles and user are made where Airflow's auth manager
keeps them in its database (FAB), the user as ``AERODAG_ADMIN_USER`` and ``AERODAG_ADMIN_PASSWORD`` name him.
"""

from __future__ import annotations

import os

from aerodag.airflow.defaults import HEAVY_POOL, ODM_POOL

# A deferred engine run still holds its GPU, so its slot stays taken.
POOLS = (
    (ODM_POOL, 1, "Photogrammetry: one slot per GPU or engine host", True),
    (HEAVY_POOL, 2, "Decoding and raster work: about one slot per two cores", False),
)


def main() -> None:
    """Migrate and make the pools; a pool that exists keeps the size that an operator gave it."""
    from airflow.configuration import conf
    from airflow.models.pool import Pool
    from airflow.utils import db
    from airflow.utils.session import create_session

    db.initdb()
    with create_session() as session:
        for name, slots, description, include_deferred in POOLS:
            if Pool.get_pool(name, session=session) is None:
                Pool.create_or_update_pool(
                    name=name,
                    slots=slots,
                    description=description,
                    include_deferred=include_deferred,
                    session=session,
                )
    if conf.get("core", "auth_manager").endswith(".FabAuthManager"):
        _make_people()


def _make_people() -> None:
    from aerodag.airflow.auth.administrator import make_administrator
    from aerodag.airflow.auth.roles import make_roles

    make_roles()
    name, password = os.environ.get("AERODAG_ADMIN_USER"), os.environ.get("AERODAG_ADMIN_PASSWORD")
    if name and password:
        make_administrator(name, password)


if __name__ == "__main__":
    main()
