"""The one tree of pipeline errors.

Every error carries a machine-readable ``code``, the numbers behind it, one sentence for a person and one
sentence of advice. Its class gives the category and with it the retry policy of Airflow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Category(StrEnum):
    """Who can cure the failure."""

    DATA = "data"
    CONFIG = "config"
    ENGINE = "engine"
    RESOURCES = "resources"
    INFRASTRUCTURE = "infrastructure"
    CANCELLED = "cancelled"


class Retry(StrEnum):
    """What has to change before the same step may be tried again."""

    NEVER = "never"
    SAME = "same"
    SMALLER = "smaller"
    WITHOUT_GPU = "without_gpu"
    CLEAN_STAGE = "clean_stage"
    CLEAN_IMAGES = "clean_images"


def sentence(code: str, message: str, advice: str | None) -> str:
    """A failure in one line, the same wherever a person meets it."""
    return f"[{code}] {message} {advice}"


class AerodagError(Exception):
    """Base of all pipeline errors; raise one of the subclasses.

    ``code`` is dotted lower case, room first (``archive.traversal``); ``message`` says what is wrong, with the
    numbers; ``advice`` says what a person can do about it; ``numbers`` holds the same figures for machines. ``retry``
    is the class's where none is given.
    """

    category: Category
    retry: Retry = Retry.NEVER

    def __init__(
        self,
        code: str,
        message: str,
        *,
        advice: str,
        numbers: dict[str, Any] | None = None,
        retry: Retry | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.advice = advice
        self.numbers = numbers or {}
        if retry is not None:
            self.retry = retry

    def __str__(self) -> str:
        """The sentence that the task log, the run row and the run note share."""
        return sentence(self.code, self.message, self.advice)


class DataError(AerodagError):
    """The upload itself is at fault; a retry cannot help."""

    category = Category.DATA


class ConfigError(AerodagError):
    """A parameter or setting is at fault; a retry cannot help."""

    category = Category.CONFIG


class EngineError(AerodagError):
    """The photogrammetry engine failed on good input."""

    category = Category.ENGINE


class ResourceError(AerodagError):
    """Memory or time ran out; a smaller profile may pass."""

    category = Category.RESOURCES
    retry = Retry.SMALLER


class InfrastructureError(AerodagError):
    """Disk, network, database or a killed process; the same step may simply be tried again."""

    category = Category.INFRASTRUCTURE
    retry = Retry.SAME


class CancelledError(AerodagError):
    """A person stopped it."""

    category = Category.CANCELLED


ERROR_TYPES: dict[Category, type[AerodagError]] = {
    kind.category: kind
    for kind in (DataError, ConfigError, EngineError, ResourceError, InfrastructureError, CancelledError)
}


class RemediedError(AerodagError):
    """A failure that was answered with another plan: the same step may be tried again, once for each remedy."""

    retry = Retry.SAME

    def __init__(self, cause: AerodagError, remedy: str) -> None:
        numbers = cause.numbers | {"remedy": remedy}
        super().__init__(cause.code, cause.message, advice=f"It is tried again. {remedy}", numbers=numbers)
        self.category = cause.category
