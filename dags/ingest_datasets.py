"""# Ingest datasets

Waits for complete ZIPs in the incoming folder, registers each once by its content, and starts one run of
`process_dataset` for each.

**Complete** means: unchanged for the settle window, or a marker `NAME.zip.done` lies beside it. Hidden files, `.part`
and `.tmp` are ignored. The wait holds no worker slot.

**Known content** is reported and not processed again. An unreadable file goes to quarantine with an event that says
why; it never blocks the next one.

**On failure.** Nothing is lost: what is not registered stays in the folder, what is registered waits in the ledger,
and the next run goes on from there. The run id is made of name and content, so no dataset is started twice.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, task

from aerodag.airflow.defaults import DEFAULT_ARGS, PROCESS_DAG_ID, Tag
from aerodag.airflow.ingest import register_complete, runs_to_start
from aerodag.airflow.sensors.incoming import IncomingSensor

with DAG(
    dag_id="ingest_datasets",
    schedule="@continuous",
    # Without a past start the first two runs have one logical date, and the scheduler never makes the second.
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    catchup=False,
    # A start beside an API server that is not up yet shall not keep uploads waiting for minutes.
    default_args=DEFAULT_ARGS | {"retry_delay": timedelta(seconds=20)},
    dag_display_name="Ingest datasets",
    doc_md=__doc__,
    tags=[Tag.INTAKE],
):
    wait_for_upload = IncomingSensor(task_id="wait_for_upload", timeout=timedelta(days=365).total_seconds())
    register = task(task_id="register")(register_complete)()
    choose_runs = task(task_id="choose_runs")(runs_to_start)()
    start_processing = TriggerDagRunOperator.partial(
        task_id="start_processing",
        trigger_dag_id=PROCESS_DAG_ID,
        skip_when_already_exists=True,
        logical_date=None,
    ).expand_kwargs(choose_runs)

    wait_for_upload >> register >> choose_runs >> start_processing
