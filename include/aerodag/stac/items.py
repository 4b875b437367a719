"""A STAC 1.1 item from the facts of a dataset and its files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pystac
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from aerodag.errors import ConfigError, DataError
from aerodag.stac.assets import make_asset
from aerodag.stac.bands import finite
from aerodag.stac.extensions import extensions_of
from aerodag.stac.facts import Asset, ItemFacts, Provider
from aerodag.stac.layout import COLLECTION_PATH, catalog_path, group_of, item_path
from aerodag.stac.links import link, self_links
from aerodag.stac.placement import place
from aerodag.stac.providers import pystac_provider
from aerodag.stac.times import timestamp, zoned

_ONE_LICENCE = re.compile(r"[\w.+-]+")


def make_item(
    facts: ItemFacts, assets: Sequence[Asset], collection_id: str, base_url: str | None = None
) -> dict[str, Any]:
    """The item of a dataset, the same from the same facts; it belongs at ``layout.item_path``.

    Links between documents are relative always; files are linked relatively, or below ``base_url`` where the data
    root is served. Where no image says when it was taken, ``datetime`` is when the dataset came in, and the item's
    description and ``aerodag:captured_source`` say so.

    Raises:
        ConfigError: ``stac.duplicate_asset`` or ``stac.path_outside``.
        DataError: ``stac.no_time_zone``, ``stac.capture_order`` or ``stac.crs``.
    """
    _require_distinct(assets)
    path = item_path(facts.dataset_id)
    geometry, bbox = place(facts.footprint, facts.bbox) or (None, None)
    moment, start, end = _when(facts)
    item = pystac.Item(
        id=str(facts.dataset_id),
        geometry=geometry,
        bbox=bbox,
        datetime=moment,
        start_datetime=start,
        end_datetime=end,
        properties=_properties(facts),
        collection=collection_id,
    )
    item.add_links(
        [
            link("root", COLLECTION_PATH, path),
            link("parent", catalog_path(group_of(facts.dataset_id)), path),
            link("collection", COLLECTION_PATH, path),
            *self_links(path, base_url, str(pystac.MediaType.GEOJSON)),
        ]
    )
    for asset in assets:
        item.add_asset(asset.key, make_asset(asset, path, base_url))
    document = item.to_dict(include_self_link=True, transform_hrefs=False)
    return document | {"stac_extensions": extensions_of(document)}


def _require_distinct(assets: Sequence[Asset]) -> None:
    twice = [key for key, times in Counter(asset.key for asset in assets).items() if times > 1]
    if twice:
        raise ConfigError(
            "stac.duplicate_asset",
            f"More than one file is called {', '.join(twice)}.",
            advice="Give every file of a dataset a key of its own.",
        )


def _when(facts: ItemFacts) -> tuple[datetime | None, datetime | None, datetime | None]:
    """``datetime``, or None with the interval's start and end, as the item specification asks."""
    known = [zoned(moment) for moment in (facts.captured_from, facts.captured_to) if moment is not None]
    if not known:
        return zoned(facts.created), None, None
    start, end = known[0], known[-1]
    if start > end:
        raise DataError(
            "stac.capture_order",
            f"The capture ends at {end.isoformat()}, before it begins at {start.isoformat()}.",
            advice="Look at the capture times of the images; a camera's clock may be wrong.",
        )
    return (start, None, None) if start == end else (None, start, end)


def _properties(facts: ItemFacts) -> dict[str, Any]:
    undated = facts.captured_from is None and facts.captured_to is None
    fields = {
        "title": facts.name,
        "description": "The capture date is not known; datetime is when the dataset came in." if undated else None,
        "created": timestamp(facts.created),
        "updated": None if facts.updated is None else timestamp(facts.updated),
        "platform": facts.platform,
        "instruments": list(facts.instruments) or None,
        "gsd": finite(facts.gsd_m),
        "providers": [pystac_provider(provider).to_dict() for provider in _providers(facts)] or None,
        "processing:software": dict(sorted(facts.software.items())) or None,
        "processing:datetime": None if facts.processed is None else timestamp(facts.processed),
        "processing:lineage": facts.lineage,
        "processing:level": facts.level,
        "aerodag:dataset_id": facts.dataset_id,
        "aerodag:run_id": facts.run_id,
        "aerodag:captured_source": "unknown" if undated else facts.captured_source,
    }
    return {name: value for name, value in fields.items() if value is not None} | _licence(facts.licence)


def _licence(name: str | None) -> dict[str, str]:
    """An SPDX identifier as it is; of any other name the specification wants ``other``, and the name is kept."""
    if name is None:
        return {}
    try:
        spdx = canonicalize_license_expression(name)
    except InvalidLicenseExpression:
        spdx = None
    if spdx is not None and _ONE_LICENCE.fullmatch(spdx):
        return {"license": spdx}
    return {"license": "other", "aerodag:license_name": name}


def _providers(facts: ItemFacts) -> tuple[Provider, ...]:
    return (*(Provider(name=author, roles=("producer",)) for author in facts.authors), *facts.providers)
