"""Storage: where files lie, by class, and how they get there whole."""

from aerodag.storage.local import (
    explained,
    link,
    move,
    publish,
    remove_tree,
    require_free_space,
    sha256_of,
    tree_size,
    write,
)
from aerodag.storage.places import ORTHOPHOTO, Storage, local_path
from aerodag.storage.store import Entry, Published, Store

__all__ = [
    "ORTHOPHOTO",
    "Entry",
    "Published",
    "Storage",
    "Store",
    "explained",
    "link",
    "local_path",
    "move",
    "publish",
    "remove_tree",
    "require_free_space",
    "sha256_of",
    "tree_size",
    "write",
]
