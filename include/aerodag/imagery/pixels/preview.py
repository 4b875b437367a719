"""Small versions of a decoded image: the upright thumbnail and the fingerprint for near duplicates."""

from __future__ import annotations

from typing import Final

import numpy as np

from aerodag.imagery.pixels.decode import Bytes, grey

THUMBNAIL_SIDE: Final = 160
# JPEG against WebP at equal likeness (32 dB): 7.1 against 5.0 kB for a busy picture, but 0.06 against 2.1 ms.
_QUALITY = 80
_HASH_SIDE = 8


def reduced(values: Bytes) -> Bytes:
    """Averaged down by powers of two to under 320 pixels on the longer side; a smaller image stays as it is."""
    import cv2

    while max(values.shape[:2]) >= 2 * THUMBNAIL_SIDE and min(values.shape[:2]) >= 2:
        height, width = values.shape[0] // 2, values.shape[1] // 2
        # Even sizes take OpenCV's 2 x 2 path, ten times faster than the general one.
        even = values[: 2 * height, : 2 * width]
        values = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return values


def thumbnail(small: Bytes, orientation: int) -> bytes:
    """JPEG of at most 160 pixels on the longer side, turned upright by the EXIF ``orientation`` (1..8)."""
    import cv2

    ratio = max(small.shape[:2]) / THUMBNAIL_SIDE
    if ratio > 1:
        size = max(1, round(small.shape[1] / ratio)), max(1, round(small.shape[0] / ratio))
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", upright(small, orientation), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def upright(values: Bytes, orientation: int) -> Bytes:
    """Apply an EXIF orientation: 5..8 exchange rows and columns first, then rows or columns are reversed."""
    if orientation >= 5:
        values = values.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    if orientation in {2, 3, 6, 7}:
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


def fingerprint(small: Bytes) -> int:
    """Difference hash, a signed 64-bit integer: is each of 8 x 8 points brighter than its left neighbour."""
    import cv2

    points = cv2.resize(grey(small), (_HASH_SIDE + 1, _HASH_SIDE), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(points[:, 1:] > points[:, :-1]).tobytes(), "big", signed=True)
