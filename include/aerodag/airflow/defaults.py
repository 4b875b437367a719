"""What all DAGs of the project share."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from aerodag.airflow.retry import RETRY_POLICY
from aerodag.settings import get_settings

PROCESS_DAG_ID = "process_dataset"
HEAVY_POOL = "heavy"
ODM_POOL = "odm"
# Of workers on several hosts; executors on one take no notice. Tasks that name none go to Airflow's `default`.
HEAVY_QUEUE = "heavy"
ODM_QUEUE = "odm"

ENGINE_TIMEOUT = timedelta(hours=24)
# Infrastructure may fail three times, and each class of failure has one remedy.
ENGINE_RETRIES = 6
# What a killed worker started goes on meanwhile, and is taken over.
ENGINE_RETRY_DELAY = timedelta(seconds=get_settings().retry_seconds)
HEAVY_TIMEOUT = timedelta(hours=4)

DEFAULT_ARGS = {
    "owner": "aerodag",
    # Bad data is never tried again, so these are for what the machinery breaks: a restart costs a running task a try,
    # and a task that finds no API server fails at once, so the tries must outlast an outage together.
    "retries": 5,
    "retry_delay": timedelta(seconds=get_settings().retry_seconds),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RETRY_POLICY,
    "execution_timeout": timedelta(hours=1),
}


class Tag(StrEnum):
    """The tags that the project's DAGs may carry."""

    INTAKE = "intake"
    PROCESSING = "processing"
    OPERATIONS = "operations"
