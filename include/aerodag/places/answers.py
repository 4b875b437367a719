"""What a layer answers at a point, and what can be wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from aerodag.errors import ConfigError
from aerodag.settings import Layer


@dataclass(frozen=True, slots=True)
class LayerValue:
    """What a layer says at a point.

    ``value`` is ready for JSON: text, number, truth value, list of numbers (``curve``) or all attributes by name; None
    where there is none, and ``reason`` says why. ``code`` is the pixel's number where ``value`` is the name of its
    class. ``distance_m`` is from the point to the feature or to the pixel's centre along the ellipsoid, 0 inside.
    ``source`` is the file's name.
    """

    value: Any = None
    reason: str | None = None
    distance_m: float | None = None
    source: str = ""
    code: float | None = None


def plain(value: Any) -> Any:
    """Turn a value of a file into what JSON knows; what is not finite or empty becomes None."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)


def unreadable(layer: Layer, error: Exception) -> ConfigError:
    """A file that its reader does not understand, or that breaks off."""
    return ConfigError(
        "places.layer_unreadable",
        f"{layer.path} of layer {layer.name} cannot be read: {error}",
        advice="Check the file with ogrinfo or gdalinfo and replace it.",
    )


def wrong_rule(layer: Layer, kind: str, rules: str) -> ConfigError:
    """A rule that does not fit the file."""
    return ConfigError(
        "places.layer_rule",
        f"The rule of layer {layer.name} is {layer.rule}, but {layer.path} {kind}.",
        advice=f"Set the rule of this layer in products.layers to {rules}.",
    )


def without_crs(layer: Layer) -> ConfigError:
    """A file that does not say where on Earth its coordinates are."""
    return ConfigError(
        "places.layer_no_crs",
        f"{layer.path} of layer {layer.name} has no coordinate reference system that leads to a place on Earth.",
        advice="Assign the right one with ogr2ogr -a_srs or gdal_translate -a_srs; it is not guessed.",
    )


def unknown_field(layer: Layer, fields: list[str]) -> ConfigError:
    """An attribute that the file does not have."""
    return ConfigError(
        "places.layer_field",
        f"{layer.path} of layer {layer.name} has no field {layer.field}; it has {', '.join(fields) or 'none'}.",
        advice="Correct the field of this layer in products.layers.",
    )
