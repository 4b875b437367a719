"""Is the image sound, sharp and well exposed: one scaled decode answers all three.

Sharpness is the grid rule: the variance of the Laplacian in each of 4 x 4 cells, and of those with texture the 75th
percentile, because one global variance calls every photograph of water blurred. Its value depends on the scale at
which the image was decoded, which is therefore part of the result.
"""

from __future__ import annotations

import io
import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
from PIL import Image

from aerodag.errors import DataError
from aerodag.imagery.metadata import OPEN_ERRORS, open_image, raw_tags

TARGET_LONGER_SIDE: Final = 1000
_GRID = 4
_LOW_TEXTURE = 30.0
_TEXTURED_PERCENTILE = 75.0
_HASH_SIDE = 8
_BOTTOM_ROWS = 4
_BLOCK = 1 << 20
_LEAST_BLANK = 512
_DNG_VERSION = 0xC612
_DECODE_ERRORS = (*OPEN_ERRORS, MemoryError, EOFError, ZeroDivisionError, Image.DecompressionBombError)

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one decode says. Grey values are 0..255; statistics are None if the image could not be decoded.

    ``scale`` is the decoding denominator (4: a quarter of the pixels' side); ``sharpness`` is comparable only between
    images of like ``scale``. ``exposure`` is ``black``, ``white`` or None; it stays None for sensors deeper than
    8 bits, whose white level is unknown. ``fingerprint`` is a difference hash for near duplicates, a signed
    64-bit integer as PostgreSQL's bigint.
    """

    name: str
    decodable: bool
    problem: str | None = None
    message: str | None = None
    scale: int | None = None
    sharpness: float | None = None
    low_texture_share: float | None = None
    mean: float | None = None
    std: float | None = None
    p5: float | None = None
    p95: float | None = None
    exposure: str | None = None
    fingerprint: int | None = None


def assess(file: BinaryIO, name: str) -> Assessment:
    """Decode a seekable image once, at the largest JPEG scale that leaves about 1000 pixels, and measure it.

    A damaged image is a result (``image.unreadable``, ``image.truncated`` or ``image.damaged``), not an exception.
    Of a DNG only the preview is decoded (``image.raw_preview_only``), or nothing (``image.raw_not_decoded``).
    """
    try:
        with open_image(file, name) as image:
            raw = _DNG_VERSION in getattr(image, "tag_v2", ())
            pixels, scale, deep = _decode(image)
        if blank := _blank_tail(file, np.asarray(pixels)):
            return _rejected(name, "image.truncated", f"{name} ends in {blank} zero bytes instead of picture data.")
    except DataError as error:
        if raw_tags(file) is not None:
            return Assessment(name, decodable=True, problem="image.raw_not_decoded")
        return _rejected(name, error.code, error.message)
    except _DECODE_ERRORS as error:
        problem = "image.truncated" if "truncated" in str(error).lower() else "image.damaged"
        return _rejected(name, problem, f"{name} does not decode: {error}.")
    return _measure(name, pixels, scale, exposure_known=not deep, problem="image.raw_preview_only" if raw else None)


def assess_many(archive: Path, names: Iterable[str], workers: int | None = None) -> Iterator[Assessment]:
    """Assess entries of a ZIP on all cores, in the order given; a wrong checksum is ``image.damaged``.

    Threads suffice, for decoding and numpy both leave the interpreter free. One image per worker is in memory.
    """
    count = workers or len(os.sched_getaffinity(0))
    pending: deque[Future[Assessment]] = deque()
    with ZipFile(archive) as bundle, ThreadPoolExecutor(count, thread_name_prefix="assess") as pool:
        for name in names:
            pending.append(pool.submit(_assess_entry, bundle, name))
            if len(pending) >= 4 * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _assess_entry(bundle: ZipFile, name: str) -> Assessment:
    try:
        content = bundle.read(name)
    except (BadZipFile, KeyError, EOFError, OSError, zlib.error) as error:
        return _rejected(name, "image.damaged", f"{name} cannot be unpacked: {error}.")
    return assess(io.BytesIO(content), name)


def _rejected(name: str, problem: str, message: str) -> Assessment:
    return Assessment(name, decodable=False, problem=problem, message=message)


def _decode(image: Image.Image) -> tuple[Image.Image, int, bool]:
    """Grey pixels, the scale used and whether the sensor is deeper than 8 bits."""
    full, scale = image.size, _scale(max(image.size))
    image.draft("L", (full[0] // scale, full[1] // scale))
    image.load()
    drafted = max(1, round(full[0] / image.size[0]))
    deep = image.mode.startswith(("I", "F"))
    pixels = _stretched(image) if deep else image.convert("L")
    return pixels.reduce(scale // drafted) if drafted < scale else pixels, scale, deep


def _blank_tail(file: BinaryIO, grey: Grey) -> int | None:
    """Number of zero bytes that stand where a JPEG's last rows should be, or None.

    An interrupted copy into a file of full size leaves zeros, which the decoder takes for flat grey without a word.
    Padding behind the end marker is harmless, and so is a photograph that really is flat below.
    """
    if float(grey[-_BOTTOM_ROWS:].std(axis=1).max()) > 1.0:
        return None
    end = file.seek(0, os.SEEK_END)
    position = end
    while position > 0:
        start = max(0, position - _BLOCK)
        file.seek(start)
        kept = file.read(position - start).rstrip(b"\x00")
        if kept:
            blank = end - start - len(kept)
            return blank if blank >= _LEAST_BLANK and not kept.endswith(b"\xff\xd9") else None
        position = start
    return end


def _scale(longer: int) -> int:
    return next((scale for scale in (8, 4, 2) if longer // scale >= TARGET_LONGER_SIDE), 1)


def _stretched(image: Image.Image) -> Image.Image:
    """Deep pixels to 8 bits by their own white level (99.9th percentile): 12 bits in 16 are common."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    white = float(np.percentile(values, 99.9)) or 1.0
    return Image.fromarray(np.clip(values * (255.0 / white), 0, 255).astype(np.uint8))


def _measure(name: str, pixels: Image.Image, scale: int, *, exposure_known: bool, problem: str | None) -> Assessment:
    histogram = np.array(pixels.histogram())
    mean, std = _moments(histogram)
    p5, p95 = _percentile(histogram, 0.05), _percentile(histogram, 0.95)
    sharpness, low_texture = sharpness_by_grid(np.asarray(pixels))
    return Assessment(
        name=name,
        decodable=True,
        problem=problem,
        scale=scale,
        sharpness=sharpness,
        low_texture_share=low_texture,
        mean=mean,
        std=std,
        p5=p5,
        p95=p95,
        exposure=_exposure(histogram, mean, std, p95 - p5) if exposure_known else None,
        fingerprint=_fingerprint(pixels),
    )


def sharpness_by_grid(grey: Grey) -> tuple[float | None, float]:
    """Sharpness and the share of cells without texture (Laplacian variance < 30).

    The score is the 75th percentile over textured cells, or the mean of all when none is textured; None for images
    under 8 pixels a side.
    """
    if min(grey.shape) < 2 * _GRID:
        return None, 1.0
    # The outermost pixels have no Laplacian; each cell is taken with its border, cell by cell to stay in the cache.
    rows = np.linspace(0, grey.shape[0] - 2, _GRID + 1, dtype=int)
    columns = np.linspace(0, grey.shape[1] - 2, _GRID + 1, dtype=int)
    cells = np.array(
        [
            _laplacian_variance(grey[top : bottom + 2, left : right + 2])
            for top, bottom in pairwise(rows)
            for left, right in pairwise(columns)
        ]
    )
    textured = cells[cells >= _LOW_TEXTURE]
    score = np.percentile(textured, _TEXTURED_PERCENTILE) if textured.size else cells.mean()
    return float(score), 1.0 - textured.size / cells.size


def _laplacian_variance(cell: Grey) -> float:
    """Variance of the 3 x 3 Laplacian (0 1 0, 1 -4 1, 0 1 0) inside the cell's one-pixel border."""
    values = cell.astype(np.float32)
    result = values[1:-1, 1:-1] * np.float32(-4)
    for neighbour in (values[:-2, 1:-1], values[2:, 1:-1], values[1:-1, :-2], values[1:-1, 2:]):
        result += neighbour
    flat = result.ravel()
    return max(0.0, float(flat @ flat) / flat.size - float(flat.mean()) ** 2)


def _moments(histogram: npt.NDArray[np.int_]) -> tuple[float, float]:
    levels = np.arange(256, dtype=np.float64)
    total = histogram.sum()
    mean = float((levels * histogram).sum() / total)
    return mean, float(np.sqrt(((levels - mean) ** 2 * histogram).sum() / total))


def _percentile(histogram: npt.NDArray[np.int_], share: float) -> float:
    return float(np.searchsorted(np.cumsum(histogram), share * histogram.sum()))


def _exposure(histogram: npt.NDArray[np.int_], mean: float, std: float, spread: float) -> str | None:
    """Nothing but black or nothing but white: the lens cap, the landing, the sun."""
    total = histogram.sum()
    if (mean <= 40 and std <= 15) or (histogram[:20].sum() >= 0.9 * total and spread <= 25):
        return "black"
    if (mean >= 215 and std <= 15) or (histogram[236:].sum() >= 0.9 * total and spread <= 25):
        return "white"
    return None


def _fingerprint(pixels: Image.Image) -> int:
    """Difference hash: is each of 8 x 8 points brighter than its left neighbour."""
    small = np.asarray(pixels.resize((_HASH_SIDE + 1, _HASH_SIDE), Image.Resampling.BOX))
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big", signed=True)
