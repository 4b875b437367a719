"""Migrations: up, down and up again, at once, and the committed schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from aerodag.errors import InfrastructureError
from aerodag.ledger import migrate
from aerodag.ledger.database import SQL_DIR

MIGRATIONS = sorted((SQL_DIR / "migrations").glob("*.sql"))
CONTRACT = {
    "v2_raw_images": [
        "dataset_id",
        "raw_image_count",
        "raw_image_size_mb",
        "raw_images_path",
        "camera_metadata",
        "has_rtk_data",
        "rtk_precision_cm",
        "rtk_quality_indicator",
        "rtk_file_count",
        "version",
        "created_at",
    ],
    "v2_statuses": [
        "id",
        "dataset_id",
        "current_status",
        "is_upload_done",
        "is_odm_done",
        "is_ortho_done",
        "is_cog_done",
        "is_thumbnail_done",
        "is_deadwood_done",
        "is_forest_cover_done",
        "is_metadata_done",
        "is_combined_model_done",
        "is_aoi_done",
        "is_aoi_required",
        "is_embeddings_done",
        "is_audited",
        "has_error",
        "error_message",
        "created_at",
        "updated_at",
    ],
    "v2_orthos": [
        "dataset_id",
        "ortho_file_name",
        "version",
        "created_at",
        "bbox",
        "sha256",
        "ortho_info",
        "ortho_upload_runtime",
        "ortho_file_size",
    ],
    "v2_cogs": [
        "dataset_id",
        "cog_file_size",
        "cog_file_name",
        "cog_path",
        "version",
        "created_at",
        "cog_info",
        "cog_processing_runtime",
    ],
    "v2_thumbnails": [
        "dataset_id",
        "thumbnail_file_size",
        "thumbnail_file_name",
        "thumbnail_path",
        "version",
        "created_at",
        "thumbnail_processing_runtime",
    ],
    "v2_metadata": ["dataset_id", "metadata", "version", "created_at", "processing_runtime"],
}


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """URL of a database that does not exist yet."""
    name = f"aerodag_empty_{uuid4().hex[:12]}"
    parts = conninfo_to_dict(server_url) | {"dbname": name}
    yield psycopg.conninfo.make_conninfo("", **parts)
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def test_up_down_up_leads_to_the_same_schema(empty_url: str) -> None:
    migrate.migrate(empty_url)
    first = migrate.dump_schema(empty_url)

    for _ in MIGRATIONS:
        migrate.rollback(empty_url)
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            "select oid::regclass::text from pg_class where relnamespace::regnamespace::text in ('aerodag', 'public') "
            "and relkind in ('r', 'v')"
        ).fetchall()
        assert left == [("schema_migrations",)]
        assert connection.execute("select to_regnamespace('aerodag'), to_regtype('v2_status')").fetchone() == (
            None,
            None,
        )

    migrate.migrate(empty_url)
    migrate.migrate(empty_url)
    assert migrate.dump_schema(empty_url) == first


def test_every_migration_can_be_taken_back_alone(empty_url: str) -> None:
    migrate.migrate(empty_url)
    before = migrate.dump_schema(empty_url)
    for depth in range(1, len(MIGRATIONS) + 1):
        for _ in range(depth):
            migrate.rollback(empty_url)
        migrate.migrate(empty_url)
        assert migrate.dump_schema(empty_url) == before, f"after {depth} steps back"


def test_rollback_past_the_first_says_so(empty_url: str) -> None:
    migrate.migrate(empty_url)
    for _ in MIGRATIONS:
        migrate.rollback(empty_url)
    with pytest.raises(InfrastructureError, match="dbmate rollback") as caught:
        migrate.rollback(empty_url)
    assert caught.value.code == "ledger.migration"


def test_several_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for outcome in [pool.submit(migrate.migrate, empty_url) for _ in range(4)]:
            outcome.result()
    with psycopg.connect(empty_url) as connection:
        assert connection.execute("select count(*) from schema_migrations").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("select count(*) from v2_processing_overview").fetchone() == (0,)


def test_the_committed_schema_is_the_schema(server_url: str, empty_url: str) -> None:
    with psycopg.connect(server_url) as connection:
        if connection.info.server_version // 10000 != 18:
            pytest.skip("sql/schema.sql is what pg_dump says of PostgreSQL 18")
    migrate.migrate(empty_url)
    assert migrate.dump_schema(empty_url) == migrate.SCHEMA_FILE.read_text(encoding="utf-8"), (
        "run: python -m aerodag.ledger.migrate dump URL"
    )


def test_an_unreachable_server_is_an_infrastructure_error() -> None:
    with pytest.raises(InfrastructureError) as caught:
        migrate.migrate("postgresql://nobody@/nothing?host=/nonexistent")
    assert caught.value.code == "ledger.unreachable"


def test_contract_columns_and_security(empty_url: str) -> None:
    migrate.migrate(empty_url)
    with psycopg.connect(empty_url) as connection:
        for view, columns in CONTRACT.items():
            cursor = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(view)))
            assert [column.name for column in cursor.description or ()] == columns
        options = connection.execute(
            "select relname, reloptions from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace"
        ).fetchall()
        unprotected = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'aerodag'::regnamespace "
            "and not relrowsecurity"
        ).fetchall()
    assert {name for name, _ in options} == {*CONTRACT, "v2_processing_overview"}
    assert all(settings == ["security_invoker=true"] for _, settings in options)
    assert unprotected == []


def test_file_names_are_ordered_and_reversible() -> None:
    for path in MIGRATIONS:
        text = path.read_text(encoding="utf-8")
        assert re.fullmatch(r"\d{14}_[a-z_]+\.sql", path.name)
        assert text.startswith("-- migrate:up\n")
        assert text.count("\n-- migrate:down\n") == 1


@pytest.mark.parametrize(
    ("url", "encrypted", "expected"),
    [
        ("postgresql://a@/b?host=/run/pg", False, "postgres://a@/b?socket=%2Frun%2Fpg"),
        ("postgresql://a@/b?host=/run/pg&port=5433", False, "postgres://a@/b?socket=%2Frun%2Fpg&port=5433"),
        ("postgresql://a:p%40ss@db/b", False, "postgres://a:p%40ss@db:5432/b?sslmode=disable"),
        ("postgresql+psycopg2://a:x@db:5433/b", True, "postgres://a:x@db:5433/b?sslmode=require"),
        ("postgresql://a:x@[::1]:5433/b", False, "postgres://a:x@[::1]:5433/b?sslmode=disable"),
        (
            "postgres://a:x@db/b?sslmode=verify-full&sslrootcert=/ca.pem",
            True,
            "postgres://a:x@db:5432/b?sslmode=verify-full&sslrootcert=%2Fca.pem",
        ),
        ("postgresql://a:x@db/b?sslmode=prefer", True, "postgres://a:x@db:5432/b?sslmode=require"),
    ],
)
def test_url_for_dbmate(url: str, encrypted: bool, expected: str) -> None:
    assert migrate.dbmate_url(url, encrypted=encrypted) == expected
