"""The host name of a worker that shares its machine with others; Airflow's ``hostname_callable`` in tests."""

import os


def name() -> str:
    return os.environ["AERODAG_TEST_HOST"]
