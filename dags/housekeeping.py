"""# Housekeeping

Every five minutes, compares what runs outside Airflow with what the ledger knows, and mends the difference.

**Steps.** reap_engines stops engine containers whose time is over or whose run has ended, keeps what they said, and
removes them.

**On failure.** Nothing is lost: the next run looks again. See the task's log for what could not be reached.

**To rerun.** Trigger it; two at a time do no harm.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from aerodag.airflow.defaults import DEFAULT_ARGS, Tag
from aerodag.airflow.housekeeping import reap_engines

with DAG(
    dag_id="housekeeping",
    schedule=timedelta(minutes=5),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS | {"retries": 1, "execution_timeout": timedelta(minutes=30)},
    dag_display_name="Housekeeping",
    doc_md=__doc__,
    tags=[Tag.OPERATIONS],
):
    task(task_id="reap_engines")(reap_engines)()
