"""Where the log of a command goes."""

from __future__ import annotations

import logging
import sys


def log_to_standard_error() -> None:
    """Standard output is the report's alone."""
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
