"""Writes ``sql/schema.sql``: the migrations and views as a fresh server holds them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from aerodag.ledger.migrate import SCHEMA_FILE, dump_schema
from aerodag.local.postgres import LEDGER_DATABASE, start_postgres


def main() -> None:
    """Migrate a throw-away server and dump its schema."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "postgres")
        SCHEMA_FILE.write_text(dump_schema(server.admin_url(LEDGER_DATABASE)), encoding="utf-8")
        server.stop()


if __name__ == "__main__":
    main()
