"""Decoded images, shared by threads within a memory budget, and their rectification."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.errors import DataError

Image = NDArray[np.uint8]

# OpenCV has no flag that is both reduced and RGB: the reduced ones without their colour bit, plus the RGB bit.
_REDUCED = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2 | cv2.IMREAD_COLOR_RGB,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4 | cv2.IMREAD_COLOR_RGB,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_COLOR_RGB,
}


def decode(path: Path, ratio: float) -> Image:
    """Decode to RGB, shrunk ``ratio`` times (>= 1) against aliasing; EXIF orientation is not applied, as in COLMAP.

    Raises:
        DataError: ``engine.image_unreadable``.
    """
    reduction = max(factor for factor in _REDUCED if factor <= max(ratio, 1.0))
    image = cv2.imread(str(path), _REDUCED[reduction] | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise DataError(
            "engine.image_unreadable",
            f"{path.name} could be read before and cannot be decoded now.",
            advice="Check the file and the disk.",
            numbers={"image": path.name},
        )
    rest = ratio / reduction
    if rest > 1.1:
        size = max(round(image.shape[1] / rest), 1), max(round(image.shape[0] / rest), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(image, dtype=np.uint8)


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock
    image: Image | None = None


class ImageCache:
    """Least-recently-used decoded images; threads that want the same image wait for one decode."""

    def __init__(self, budget_bytes: int, ratio: float) -> None:
        self._budget = budget_bytes
        self._ratio = ratio
        self._slots: OrderedDict[Path, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self.decodes = 0

    def get(self, path: Path) -> Image:
        """The decoded image (RGB, maybe shrunk)."""
        with self._lock:
            slot = self._slots.setdefault(path, _Slot(threading.Lock()))
            self._slots.move_to_end(path)
        with slot.lock:
            if slot.image is None:
                slot.image = decode(path, self._ratio)
                self.decodes += 1
            image = slot.image
        with self._lock:
            self._evict()
        return image

    def _evict(self) -> None:
        used = sum(slot.image.nbytes for slot in self._slots.values() if slot.image is not None)
        for path, slot in list(self._slots.items())[:-1]:
            if used <= self._budget:
                return
            if slot.image is not None:
                used -= slot.image.nbytes
                del self._slots[path]


def sample(
    image: Image, full_width: int, column: NDArray[np.float32], row: NDArray[np.float32], interpolation: int
) -> Image:
    """Image values at positions given in pixels of the stored image (which ``image`` may be a shrunk copy of)."""
    scale = image.shape[1] / full_width
    if scale != 1.0:
        column, row = (column + 0.5) * scale - 0.5, (row + 0.5) * scale - 0.5
    return np.asarray(cv2.remap(image, column, row, interpolation, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)
