"""Where the documents lie below the data root, and how they point at files.

``stac/collection.json`` links to one catalog for each thousand dataset ids, ``stac/{group}/catalog.json``, and that
one to its items, ``stac/{group}/{dataset_id}.json``. So one more item rewrites a catalog of a thousand links at
most, however many datasets there are.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from urllib.parse import quote

from aerodag.errors import ConfigError

GROUP_SIZE = 1000
"""Dataset ids in one catalog."""

COLLECTION_PATH = "stac/collection.json"


def group_of(dataset_id: int) -> str:
    """The group that a dataset belongs to, ``12000-12999``: the name of its folder and of its catalog."""
    first = dataset_id // GROUP_SIZE * GROUP_SIZE
    return f"{first}-{first + GROUP_SIZE - 1}"


def ids_of(group: str) -> range:
    """All dataset ids that a group can hold."""
    first = int(group.partition("-")[0])
    return range(first, first + GROUP_SIZE)


def catalog_path(group: str) -> str:
    """A group's catalog, below the data root."""
    return f"stac/{group}/catalog.json"


def item_path(dataset_id: int) -> str:
    """A dataset's item, below the data root."""
    return f"stac/{group_of(dataset_id)}/{dataset_id}.json"


def href(path: str, document: str, base_url: str | None = None) -> str:
    """How ``document`` points at ``path``: relative, or absolute where the data root is served at ``base_url``.

    Both are paths below the data root with forward slashes, not percent-encoded; the result is (RFC 3986).

    Raises:
        ConfigError: ``stac.path_outside`` if ``path`` does not lie below the data root.
    """
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise ConfigError(
            "stac.path_outside",
            f"{path!r} does not lie below the data root, so no link can point at it.",
            advice="Keep published files below the data root.",
        )
    if base_url is not None:
        return f"{base_url.rstrip('/')}/{_quoted('/'.join(parts))}"
    relative = posixpath.relpath("/".join(parts), posixpath.dirname(document) or ".")
    return _quoted(relative if relative.startswith("../") else f"./{relative}")


def _quoted(path: str) -> str:
    return quote(path, safe="/")
