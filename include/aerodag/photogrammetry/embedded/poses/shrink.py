"""Small grey copies of the images for feature extraction; the one decode also proves that each file is whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from aerodag.photogrammetry.embedded.poses.sfm_files import image_file_name

# Pillow's bomb guard is the intake's business; large mosaicking cameras exceed it legally.
Image.MAX_IMAGE_PIXELS = None

JPEG_QUALITY = 95


def small_size(width: int, height: int, feature_size: int) -> tuple[int, int]:
    """Size with the longer side at most ``feature_size`` pixels, never enlarged."""
    factor = min(1.0, feature_size / max(width, height))
    return max(round(width * factor), 1), max(round(height * factor), 1)


def shrink(source: Path, target: Path, feature_size: int) -> str | None:
    """Write the small grey JPEG of ``source``, as stored (EXIF orientation not applied).

    Returns:
        None, or why the image cannot be decoded whole (cv2 would paint the rest of a truncated JPEG grey).
    """
    try:
        with Image.open(source) as image:
            size = small_size(*image.size, feature_size)
            image.draft("L", size)
            image.load()
            _grey(image).resize(size, Image.Resampling.BOX, reducing_gap=None).save(target, quality=JPEG_QUALITY)
    except (OSError, SyntaxError, ValueError) as error:
        return str(error)
    return None


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("L")


def shrink_all(sources: Sequence[Path], folder: Path, feature_size: int, threads: int) -> Iterator[str | None]:
    """`shrink` every source to ``folder`` under its index; yields the outcomes in order."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(threads) as pool:
        targets = [folder / image_file_name(index) for index in range(len(sources))]
        yield from pool.map(lambda pair: shrink(pair[0], pair[1], feature_size), zip(sources, targets, strict=True))
