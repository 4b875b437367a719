"""The collection of an installation and the catalogs that hold its items by the thousand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pystac

from aerodag.stac.facts import Extent, Provider
from aerodag.stac.layout import COLLECTION_PATH, catalog_path, ids_of, item_path
from aerodag.stac.links import link, self_links
from aerodag.stac.providers import pystac_provider
from aerodag.stac.times import zoned

_WORLD = (-180.0, -90.0, 180.0, 90.0)


def make_collection(
    collection_id: str,
    title: str,
    description: str,
    extent: Extent,
    groups: Iterable[str],
    licence: str = "other",
    providers: Sequence[Provider] = (),
    base_url: str | None = None,
) -> dict[str, Any]:
    """The collection of an installation; it belongs at ``layout.COLLECTION_PATH``.

    Args:
        collection_id: Its identifier.
        title: Its name.
        description: What is in it, in a sentence.
        extent: Of all its items; an unknown place is written as the whole world.
        groups: Groups that have items (``layout.group_of``), in any order.
        licence: SPDX identifier, ``other`` where the items' licences differ.
        providers: Who runs the installation.
        base_url: Where the data root is served.

    Raises:
        DataError: ``stac.no_time_zone``.
    """
    interval = [None if moment is None else zoned(moment) for moment in (extent.start, extent.end)]
    collection = pystac.Collection(
        id=collection_id,
        title=title,
        description=description,
        extent=pystac.Extent(
            pystac.SpatialExtent([list(extent.bbox or _WORLD)]),
            pystac.TemporalExtent([interval]),
        ),
        license=licence,
        providers=[pystac_provider(provider) for provider in providers] or None,
    )
    collection.clear_links()
    collection.add_links(
        [
            link("root", COLLECTION_PATH, COLLECTION_PATH, title),
            *(
                link("child", catalog_path(group), COLLECTION_PATH, _title(group))
                for group in sorted(set(groups), key=lambda group: ids_of(group).start)
            ),
            *self_links(COLLECTION_PATH, base_url, str(pystac.MediaType.JSON)),
        ]
    )
    return collection.to_dict(include_self_link=True, transform_hrefs=False)


def make_catalog(
    group: str, collection_id: str, dataset_ids: Iterable[int], base_url: str | None = None
) -> dict[str, Any]:
    """The catalog of one group; it belongs at ``layout.catalog_path``. ``dataset_ids`` have items and may be unsorted.

    Raises:
        ValueError: An id does not belong to the group.
    """
    ids = sorted(set(dataset_ids))
    if strangers := [number for number in ids if number not in ids_of(group)]:
        raise ValueError(f"datasets {strangers} do not belong to group {group}")
    path = catalog_path(group)
    catalog = pystac.Catalog(id=f"{collection_id}-{group}", title=_title(group), description=_title(group) + ".")
    catalog.clear_links()
    catalog.add_links(
        [
            link("root", COLLECTION_PATH, path),
            link("parent", COLLECTION_PATH, path),
            *(link("item", item_path(number), path) for number in ids),
            *self_links(path, base_url, str(pystac.MediaType.JSON)),
        ]
    )
    return catalog.to_dict(include_self_link=True, transform_hrefs=False)


def _title(group: str) -> str:
    ids = ids_of(group)
    return f"Datasets {ids.start} to {ids.stop - 1}"
