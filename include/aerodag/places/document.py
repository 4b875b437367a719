"""The metadata record of a dataset: where it lies, in the platform's keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aerodag.errors import ConfigError
from aerodag.places.answers import LayerValue
from aerodag.places.gazetteer import point_source
from aerodag.places.layers import look_up
from aerodag.places.locate import Place, locate
from aerodag.places.territories import polygon_source
from aerodag.settings import Layer

# Keys of the platform's record that a layer of the same name fills.
PLATFORM_LAYERS = ("biome", "phenology")
_PLACE_KEYS = {
    "country": "NAME_0", "admin1": "NAME_1", "admin2": "NAME_2", "admin3": "NAME_3", "nearest_place": "place",
}  # fmt: skip
_OWN_KEYS = ("gadm", "place", "position", "layers", "sources", "reasons", "attribution")


def describe_place(longitude: float, latitude: float, layers: Sequence[Layer] = ()) -> dict[str, Any]:
    """Return the metadata record of a point (degrees, WGS84) as a JSON document.

    ``gadm`` holds the country (``NAME_0``) and administrative areas by GADM's keys, from the sources named there;
    ``biome``, ``phenology`` and any other layer stand under their own names; what is None has its sentence in
    ``reasons`` under the same key, what is known its data set in ``sources``. ``layers`` tells how each layer's value
    was found, and ``attribution`` is to be shown with the record.

    Raises:
        DataError: ``places.off_the_globe``.
        ConfigError: ``places.layer_name``, or as ``aerodag.places.layers.look_up``.
    """
    _require_names(layers)
    place = locate(longitude, latitude)
    answers = {layer.name: look_up(layer, longitude, latitude) for layer in layers}
    reasons = _by_key(place.reasons) | {"NAME_4": "No open data set has this level for all countries."}
    record: dict[str, Any] = {
        "gadm": _gadm(place),
        "place": {
            "name": place.nearest_place,
            "distance_m": place.distance_m,
            "country_code": place.country_code,
            "country_code3": place.country_code3,
        },
        "position": {"longitude": longitude, "latitude": latitude},
    }
    for name in (*PLATFORM_LAYERS, *answers):
        answer = answers.get(name) or LayerValue(reason="No layer of this name is set up in products.layers.")
        record[name] = answer.value
        if answer.reason is not None:
            reasons[name] = answer.reason
    record["layers"] = {name: _trace(answer) for name, answer in answers.items()}
    record["sources"] = _by_key(place.sources)
    record["attribution"] = [polygon_source(), point_source()]
    record["reasons"] = reasons
    return record


def _gadm(place: Place) -> dict[str, Any]:
    """GADM's keys; its data set itself may not be redistributed, and its fourth level has no open equivalent here."""
    return {
        "NAME_0": place.country,
        "NAME_1": place.admin1,
        "NAME_2": place.admin2,
        "NAME_3": place.admin3,
        "NAME_4": None,
        "source": "; ".join((polygon_source(), point_source())),
    }


def _by_key(texts: dict[str, str]) -> dict[str, str]:
    """Texts about fields of a place under the keys that these have in the record."""
    return {_PLACE_KEYS[name]: text for name, text in texts.items()}


def _trace(answer: LayerValue) -> dict[str, Any]:
    found = {"source": answer.source, "distance_m": answer.distance_m}
    return found if answer.code is None else found | {"code": answer.code}


def _require_names(layers: Sequence[Layer]) -> None:
    names = [layer.name for layer in layers]
    wrong = sorted({name for name in names if name in _OWN_KEYS or names.count(name) > 1})
    if wrong:
        raise ConfigError(
            "places.layer_name",
            f"Layers cannot be named {', '.join(wrong)}: the record has that key already, or two layers share it.",
            advice="Rename them in products.layers.",
        )
