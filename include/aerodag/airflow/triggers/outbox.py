"""The trigger that watches the outbox."""

from __future__ import annotations

from typing import Any

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.triggers.ledger import LedgerTrigger


class OutboxTrigger(LedgerTrigger):
    """Fires when a notification is due."""

    def answer(self) -> dict[str, Any] | None:
        """Nothing more than that something is due."""
        from aerodag import ledger

        with open_ledger() as conn:
            return {} if ledger.notifications_due(conn) else None
