"""Further layers of the metadata record: biome, phenology, cadastre, whatever an installation names in its settings."""

from __future__ import annotations

from aerodag.errors import ConfigError
from aerodag.places.answers import LayerValue
from aerodag.settings import Layer


def look_up(layer: Layer, longitude: float, latitude: float) -> LayerValue:
    """Look one layer up at a point (degrees, WGS84); the file may be in any CRS and of any size.

    Vector files answer to the rules ``containing`` and ``nearest``, raster files to ``value`` and ``curve``.

    Raises:
        ConfigError: ``places.layer_missing``, ``places.layer_unreadable``, ``places.layer_rule``,
            ``places.layer_field`` or ``places.layer_no_crs``: the settings or the file are at fault.
    """
    if not layer.path.exists():
        raise ConfigError(
            "places.layer_missing",
            f"The file of layer {layer.name}, {layer.path}, does not exist.",
            advice="Put the file there or correct products.layers in the settings.",
        )
    # Each reader brings a library of its own: an installation without layers loads neither.
    if layer.rule in ("containing", "nearest"):
        from aerodag.places.vector import look_up_features

        return look_up_features(layer, longitude, latitude)
    from aerodag.places.pixels import look_up_pixels

    return look_up_pixels(layer, longitude, latitude)
