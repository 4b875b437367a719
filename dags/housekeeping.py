"""# Housekeeping

Every five minutes, compares the ledger, Airflow's runs, engine jobs, scratch folders and storage, and mends the
difference. Everything it does is an event in the ledger, with the numbers.

**sweep**
- closes runs that go on in the ledger only, and tells of those that go on in Airflow only;
- tells of datasets that Airflow never began, of runs that take longer than expected, of expired quarantine;
- stops engine jobs that are over their time, and removes those whose run has ended, with what they said kept;
- removes scratch folders and temporary files that nobody needs any more, uploads through the web that nobody finished,
  and old versions where not all are kept;
- removes old logs;
- tells of products and uploads that are missing, and of files that are on no record;
- warns when the disk fills up, and holds new engine runs back before it is full.

Nothing but logs is deleted that cannot be made again. What is kept for how long: the settings
`AERODAG_HOUSEKEEPING__...` and `AERODAG_DISK__...`.

**On failure.** Nothing is lost: the next run looks again. What one part cannot reach does not stop the others; the
event `housekeeping.failed` says what it was.

**To rerun.** Trigger it; of two at a time, one does nothing.
"""

from datetime import timedelta

from airflow.sdk import DAG, task

from aerodag.airflow.defaults import DEFAULT_ARGS, Tag
from aerodag.airflow.housekeeping import sweep_all

with DAG(
    dag_id="housekeeping",
    schedule=timedelta(minutes=5),
    catchup=False,
    max_active_runs=1,
    # A sweep whose worker was lost shall not keep the next ones waiting.
    default_args=DEFAULT_ARGS
    | {"retries": 1, "retry_delay": timedelta(seconds=20), "execution_timeout": timedelta(minutes=30)},
    dag_display_name="Housekeeping",
    doc_md=__doc__,
    tags=[Tag.OPERATIONS],
):
    task(task_id="sweep")(sweep_all)()
