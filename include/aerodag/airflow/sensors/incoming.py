"""The sensor that waits for uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.triggers.incoming import IncomingTrigger
from aerodag.settings import get_settings
from aerodag.storage import Storage

if TYPE_CHECKING:
    from airflow.sdk import Context

# Registered datasets wait in the ledger while enough runs are in flight; this is how soon that is looked at again.
BACKLOG_SECONDS = 15.0


class IncomingSensor(BaseSensorOperator):
    """Waits, without a worker slot, until a complete ZIP lies in the incoming folder or a waiting one may start."""

    def execute(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Return when there is something to do, else defer to the folder's trigger."""
        from aerodag import ledger
        from aerodag.pipeline.incoming import complete_uploads

        settings = get_settings()
        incoming = Storage.of(settings).incoming
        incoming.mkdir(parents=True, exist_ok=True)
        uploads = complete_uploads(incoming, settle_seconds=settings.settle_seconds)
        with open_ledger() as conn:
            waiting = ledger.waiting_datasets(conn, limit=1)
            room = ledger.places_taken(conn) < settings.max_active_runs
        if uploads or (waiting and room):
            self.log.info("%s complete uploads, %s.", len(uploads), "some wait" if waiting else "none waits")
            return
        self.defer(
            trigger=IncomingTrigger(
                folder=str(incoming),
                settle_seconds=settings.settle_seconds,
                poll_seconds=settings.poll_seconds,
                wake_seconds=BACKLOG_SECONDS if waiting else None,
            ),
            method_name="execute",
        )
