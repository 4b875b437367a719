"""# Reprocess datasets

Asks for a new run of the datasets that were uploaded in an interval and need one. `ingest_datasets` starts them as
there are places, one at a time for each dataset, and `process_dataset` makes the versions side by side: what is valid
stays valid until the new run has finished.

**Which.** `mode`: *missing* has no COG, *failed* ended badly for a reason that may be gone, *outdated* was made by
another version of this project or of the engine, *all*. Left alone, and told why: what is under way, waits already, is
in quarantine, or failed too often in a row.

**When.** Every night the failed ones of the day before. A backfill (UI: Trigger → Backfill; `airflow backfill create`;
REST) does the same for each day of a range: that is how past uploads are reprocessed. A run triggered by hand takes
`uploaded_from` and `uploaded_to`.

**Dry run.** `dry_run` says for each dataset what would be done, and does nothing.

**On failure.** Nothing is lost: the same interval again asks for nothing twice.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, task

from aerodag.airflow.defaults import DEFAULT_ARGS, Tag
from aerodag.airflow.params import REPROCESS_PARAMS
from aerodag.airflow.reprocessing import request_runs

with DAG(
    dag_id="reprocess_datasets",
    schedule=CronDataIntervalTimetable("0 2 * * *", timezone="UTC"),
    start_date=datetime(2015, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=REPROCESS_PARAMS,
    default_args=DEFAULT_ARGS | {"execution_timeout": timedelta(minutes=10)},
    render_template_as_native_obj=True,
    dag_display_name="Reprocess datasets",
    doc_md=__doc__,
    tags=[Tag.OPERATIONS],
):
    task(task_id="request_runs")(request_runs)()
