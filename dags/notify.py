"""# Notify

Sends what the outbox holds, by e-mail and webhook, to those who subscribed (`aerodag notify subscribe`).

**Steps.** deliver waits without a worker slot, looks every ten seconds whether a notification is due, and sends all
that are.

**On failure.** What could not be sent is tried again after 5 and after 30 minutes, then given up with an event
`notification.failed`. A sender that was killed leaves its messages to the next one, ten minutes later.

**To rerun.** Nothing to do: the next run follows at once.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from aerodag.airflow.defaults import DEFAULT_ARGS, Tag
from aerodag.airflow.operators.deliver import DeliverOperator

with DAG(
    dag_id="notify",
    schedule="@continuous",
    # Without a past start the first two runs have one logical date, and the scheduler never makes the second.
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS | {"retry_delay": timedelta(seconds=20)},
    dag_display_name="Notify",
    doc_md=__doc__,
    tags=[Tag.OPERATIONS],
):
    DeliverOperator(task_id="deliver")
