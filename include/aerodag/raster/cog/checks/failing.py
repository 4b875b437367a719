"""The one error of all checks."""

from __future__ import annotations

from aerodag.errors import EngineError


def invalid(what: str, **numbers: float) -> EngineError:
    """A COG that must not get its name; ``what`` completes "The COG was written, but"."""
    return EngineError(
        "raster.cog_invalid",
        f"The COG was written, but {what}.",
        advice="Try the step again; if it fails again, the disk or GDAL is at fault and an operator has to look.",
        numbers=numbers,
    )
