"""Names under which a photogrammetry engine sees the images: flat and free of collisions."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from aerodag.archive.inventory import Entry

_LONGEST_NAME = 180


def engine_names(images: Iterable[Entry]) -> dict[str, str]:
    """Flat file names, one per image, different even where case does not count; ``{zip path: name}``.

    The base name is kept where it is unique, for engines and RTK files know images by it. Where folders hold images
    of the same name, parent folders are put before it until all differ. Letters outside ASCII, blanks and
    punctuation become ``_``. The result does not depend on the order of the images.
    """
    paths = sorted(image.path for image in images)
    depth = dict.fromkeys(paths, 1)
    deepest = max((path.count("/") + 1 for path in paths), default=1)
    names = {path: _flat(path, 1) for path in paths}
    for _ in range(deepest):
        clashing = _clashing(names)
        if not clashing:
            return names
        for path in clashing:
            depth[path] += 1
            names[path] = _flat(path, depth[path])
    # Again and again: somebody may have put the name that the first digest gives into the ZIP on purpose.
    while clashing := _clashing(names):
        for path in clashing:
            digest = hashlib.sha256(f"{names[path]}\0{path}".encode()).hexdigest()[:12]
            names[path] = f"{digest}_{_flat(path, 1)}"
    return names


def _flat(path: str, depth: int) -> str:
    parts = PurePosixPath(path).parts[-depth:]
    name = re.sub(r"[^A-Za-z0-9._-]", "_", "_".join(parts))[-_LONGEST_NAME:]
    return re.sub(r"^[.-]", "_", name)  # neither hidden nor an option to a program


def _clashing(names: Mapping[str, str]) -> list[str]:
    counts = Counter(name.casefold() for name in names.values())
    return [path for path, name in names.items() if counts[name.casefold()] > 1]
