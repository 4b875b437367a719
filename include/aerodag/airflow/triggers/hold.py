"""The trigger that waits until new engine runs may start again."""

from __future__ import annotations

from typing import Any

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.triggers.ledger import LedgerTrigger


class HoldTrigger(LedgerTrigger):
    """Fires when nothing holds new engine runs back."""

    def answer(self) -> dict[str, Any] | None:
        """Whether the hold was lifted."""
        from aerodag.ledger.housekeeping import find_hold

        with open_ledger() as conn:
            return {"lifted": True} if find_hold(conn) is None else None
