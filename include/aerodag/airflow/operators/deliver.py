"""The operator that sends notifications."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.triggers.outbox import OutboxTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

POLL_SECONDS = 10.0


class DeliverOperator(BaseOperator):
    """Waits, without a worker slot, until a notification is due; then sends all that are.

    Returns how many went out, wait for another try, were given up and skipped.
    """

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, int]:
        """Send when there is something to send, else defer to the outbox's trigger."""
        from aerodag import ledger
        from aerodag.airflow.installation import installation
        from aerodag.pipeline.notifying import deliver_due

        with open_ledger() as conn:
            if not ledger.notifications_due(conn):
                self.defer(trigger=OutboxTrigger(poll_seconds=POLL_SECONDS), method_name="execute")
            return dataclasses.asdict(deliver_due(conn, installation()))
