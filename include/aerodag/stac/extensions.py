"""Which extensions a document really uses: declaring one without its fields makes the document invalid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EXTENSIONS = {
    "proj": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "processing": "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
    "eo": "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
}
"""Schemas by the prefix of their fields."""


def extensions_of(item: Mapping[str, Any]) -> list[str]:
    """Schemas of the extensions whose fields occur in an item's properties, assets or bands."""
    prefixes = {name.partition(":")[0] for name in _names(item) if ":" in name}
    return [schema for prefix, schema in EXTENSIONS.items() if prefix in prefixes]


def _names(item: Mapping[str, Any]) -> Iterator[str]:
    yield from item["properties"]
    for asset in item["assets"].values():
        yield from asset
        for band in asset.get("bands", ()):
            yield from band
