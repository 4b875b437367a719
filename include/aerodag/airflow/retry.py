"""Retries by class of error: only what passes by itself is tried again unchanged."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from aerodag.errors import ERROR_TYPES, RemediedError, Retry
from aerodag.settings import get_settings

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=RemediedError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=10),
            reason="The plan was changed; each remedy is tried once.",
        ),
        RetryRule(
            exception=[kind for kind in ERROR_TYPES.values() if kind.retry is not Retry.SAME],
            action=RetryAction.FAIL,
            reason="The same input and parameters fail the same way; a person chooses what to change.",
        ),
        RetryRule(
            exception=[
                *(kind for kind in ERROR_TYPES.values() if kind.retry is Retry.SAME),
                "psycopg.OperationalError",
            ],
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=get_settings().retry_seconds),
            reason="Disk, network or database; usually passes.",
        ),
    ]
)
