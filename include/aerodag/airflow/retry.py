"""Retries by class of error: the data's and the configuration's failures are final, the rest may pass later."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=["aerodag.errors.DataError", "aerodag.errors.ConfigError", "aerodag.errors.CancelledError"],
            action=RetryAction.FAIL,
            reason="The same input fails the same way.",
        ),
        RetryRule(
            exception=["aerodag.errors.EngineError", "aerodag.errors.ResourceError"],
            action=RetryAction.FAIL,
            reason="The same parameters fail again; a person chooses what to change.",
        ),
        RetryRule(
            exception=["aerodag.errors.InfrastructureError", "psycopg.OperationalError"],
            action=RetryAction.RETRY,
            retry_delay=timedelta(minutes=1),
            reason="Disk, network or database; usually passes.",
        ),
    ]
)
