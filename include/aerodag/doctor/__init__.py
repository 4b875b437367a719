"""What a run would need, looked at before there is one: each check says how it is and what cures it."""

from aerodag.doctor.examination import Check, Report, Visit, as_json, examine, from_json, passed
from aerodag.doctor.routine import CHECKS
from aerodag.doctor.verdict import Status, Verdict, failed, ok, skipped, warning

__all__ = [
    "CHECKS",
    "Check",
    "Report",
    "Status",
    "Verdict",
    "Visit",
    "as_json",
    "examine",
    "failed",
    "from_json",
    "ok",
    "passed",
    "skipped",
    "warning",
]
