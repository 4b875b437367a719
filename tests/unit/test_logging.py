"""Log calls that Airflow's supervisor of tasks can carry."""

import ast
from pathlib import Path

INCLUDE = Path(__file__).parents[2] / "include"
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
# Airflow hands a task's log entry on as keyword arguments of a function with these parameters, and an entry with one
# of these keys of its own kills the supervisor, and with it the task.
RESERVED = {"target", "level", "msg", "event", "logger", "timestamp"}


def log_calls(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            yield node


def test_no_log_call_uses_a_key_that_airflow_needs_itself():
    calls = [(path, call) for path in INCLUDE.rglob("*.py") for call in log_calls(path)]
    assert len(calls) > 10
    wrong = [f"{path}:{call.lineno}" for path, call in calls if RESERVED & {key.arg for key in call.keywords}]
    assert wrong == []
