"""Links between documents: relative always, so that a copied folder still hangs together."""

from __future__ import annotations

import pystac

from aerodag.stac.layout import href


def link(rel: str, path: str, document: str, title: str | None = None) -> pystac.Link:
    """A relative link from ``document`` to another one, both paths below the data root."""
    media_type = pystac.MediaType.GEOJSON if rel == "item" else pystac.MediaType.JSON
    return pystac.Link(rel, href(path, document), media_type=str(media_type), title=title)


def self_links(document: str, base_url: str | None, media_type: str) -> list[pystac.Link]:
    """The absolute link of a document to itself, which it has only where it is served."""
    if base_url is None:
        return []
    return [pystac.Link("self", href(document, document, base_url), media_type=media_type)]
