"""What an upload will become and what it will cost, told before the expensive step."""

from aerodag.preflight.page import photos_to_show, render
from aerodag.preflight.predict import Basis, Estimate, Job, PastRun, Prediction, Workload, predict
from aerodag.preflight.report import (
    Coverage,
    Flight,
    PhotoRow,
    Report,
    RtkSummary,
    SensorGroup,
    from_json,
    to_dict,
    to_json,
)
from aerodag.preflight.verdict import Decision, Evidence, Reason, Resources, Verdict, judge

__all__ = [
    "Basis",
    "Coverage",
    "Decision",
    "Estimate",
    "Evidence",
    "Flight",
    "Job",
    "PastRun",
    "PhotoRow",
    "Prediction",
    "Reason",
    "Report",
    "Resources",
    "RtkSummary",
    "SensorGroup",
    "Verdict",
    "Workload",
    "from_json",
    "judge",
    "photos_to_show",
    "predict",
    "render",
    "to_dict",
    "to_json",
]
