"""Connections to the ledger's database and its named queries (``sql/queries/*/<name>.sql``, one statement each)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import RowMaker, kwargs_row
from psycopg.types.json import Jsonb

from aerodag.errors import InfrastructureError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SQL_DIR = Path(__file__).parents[3] / "sql"

Record = TypeVar("Record", bound="DataclassInstance")


def libpq_url(url: str) -> str:
    """Take the driver out of an SQLAlchemy style URL (``postgresql+psycopg2://``), which libpq does not know."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)


def connect(url: str) -> psycopg.Connection:
    """Open an autocommit connection in UTC; ``url`` is anything libpq takes, over TCP or a Unix socket.

    Raises:
        InfrastructureError: ``ledger.unreachable`` when the server does not answer or refuses the login.
    """
    try:
        return psycopg.connect(
            libpq_url(url), autocommit=True, application_name="aerodag", options="-c timezone=UTC", connect_timeout=15
        )
    except psycopg.OperationalError as error:
        raise InfrastructureError(
            "ledger.unreachable",
            f"The ledger's database does not answer: {str(error).strip()}.",
            advice="Check that PostgreSQL runs and that AERODAG_DATABASE_URL names it and a login that may connect.",
        ) from error


@cache
def query(name: str) -> sql.SQL:
    """The statement of ``sql/queries/*/<name>.sql``, with ``%(x)s`` parameters."""
    return sql.SQL(query_files()[name].read_text(encoding="utf-8").rstrip())


@cache
def query_files() -> Mapping[str, Path]:
    """The named queries' files; a folder holds those of the module of its name."""
    return {path.stem: path for path in sorted((SQL_DIR / "queries").glob("*/*.sql"))}


def execute(conn: psycopg.Connection, name: str, /, **params: object) -> int:
    """Run a named statement; returns how many rows it touched."""
    return conn.execute(query(name), storable(params)).rowcount


def fetch_one(conn: psycopg.Connection, name: str, record: type[Record], /, **params: object) -> Record | None:
    """First row of a named query as a record, or None."""
    with conn.cursor(row_factory=record_row(record)) as cursor:
        return cursor.execute(query(name), storable(params)).fetchone()


def fetch_all(conn: psycopg.Connection, name: str, record: type[Record], /, **params: object) -> list[Record]:
    """All rows of a named query as records."""
    with conn.cursor(row_factory=record_row(record)) as cursor:
        return cursor.execute(query(name), storable(params)).fetchall()


def record_row(record: type[Record]) -> Callable[[psycopg.Cursor[Any]], RowMaker[Record]]:
    """Row factory of a dataclass; columns it does not know are left out, so that a newer schema can still be read."""
    names = tuple(field.name for field in fields(record))
    return kwargs_row(lambda **columns: record(**{name: columns[name] for name in names}))


def storable(params: Mapping[str, object]) -> dict[str, object]:
    """Parameters as PostgreSQL takes them: no NUL in text (it refuses them), mappings as jsonb."""
    return {name: _storable_value(value) for name, value in params.items()}


def _storable_value(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return jsonb(value)
    if isinstance(value, (tuple, set, frozenset)):
        return list(value)
    return value


def jsonb(value: object) -> Jsonb:
    """A jsonb parameter of anything: NaN and infinities become null, NUL is dropped, unknown objects their text."""
    return Jsonb(json_value(value), dumps=partial(json.dumps, allow_nan=False))


def json_value(value: object) -> object:
    """The nearest value that JSON and PostgreSQL's jsonb can hold."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(json_value(str(key))): json_value(item) for key, item in value.items()}
    return _json_other(value)


def _json_other(value: object) -> object:
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [json_value(item) for item in value]
    if hasattr(value, "tolist"):  # numpy scalars and arrays
        return json_value(value.tolist())
    return json_value(str(value))
