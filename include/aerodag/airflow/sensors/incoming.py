"""The sensor that waits for uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.installation import installation
from aerodag.airflow.triggers.incoming import IncomingTrigger
from aerodag.storage import Storage

if TYPE_CHECKING:
    from airflow.sdk import Context

# What is registered or requested waits in the ledger while enough runs are in flight; so often that is looked at again.
LEDGER_SECONDS = 15.0


class IncomingSensor(BaseSensorOperator):
    """Waits, without a worker slot, until a complete ZIP lies in the incoming folder or a waiting one may start."""

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Return when there is something to do, else defer to the folder's trigger."""
        from aerodag import ledger
        from aerodag.pipeline.incoming import complete_uploads

        settings = installation()
        storage = Storage.of(settings)
        storage.incoming.mkdir(parents=True, exist_ok=True)
        uploads = complete_uploads(storage, settle_seconds=settings.settle_seconds)
        with open_ledger() as conn:
            due = ledger.starts_due(conn, places=settings.max_active_runs)
        if uploads or due:
            self.log.info("%s complete uploads, %s runs to start.", len(uploads), len(due))
            return
        self.defer(
            trigger=IncomingTrigger(
                settle_seconds=settings.settle_seconds,
                poll_seconds=settings.remote_poll_seconds if storage.remotes.get("incoming") else settings.poll_seconds,
                ledger_seconds=LEDGER_SECONDS,
                places=settings.max_active_runs,
            ),
            method_name="execute",
        )
