"""Is the image sound, sharp and well exposed: one reduced decode answers all three and leaves a thumbnail."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from aerodag.errors import DataError
from aerodag.imagery.pixels.brightness import brightness
from aerodag.imagery.pixels.decode import Bytes, Pixels, decode, grey
from aerodag.imagery.pixels.preview import fingerprint, reduced, thumbnail
from aerodag.imagery.pixels.sharpness import sharpness_by_grid
from aerodag.imagery.pixels.terrain import LOW_TEXTURE_SHARE, Terrain, colours_of, terrain

_AHEAD = 4


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one decode says. Grey values are 0..255; statistics are None if the image could not be decoded.

    ``scale`` is the decoding denominator (2: half of the pixels' side); ``sharpness`` is comparable only between
    images of like ``scale``. ``low_texture_share`` is of the 4 x 4 cells, ``terrain`` the smooth ground they show
    (water, snow_ice, sand). The shares of dark (< 20) and bright (> 235) pixels are None for sensors deeper than
    8 bits, whose white level is unknown. ``fingerprint`` is a difference hash for near duplicates, a signed 64-bit
    integer as PostgreSQL's bigint. ``thumbnail`` is an upright JPEG of 160 pixels. ``problem`` is the code of what
    is wrong with the file, ``message`` its sentence.
    """

    name: str
    decodable: bool
    problem: str | None = None
    message: str | None = None
    scale: int | None = None
    sharpness: float | None = None
    low_texture_share: float | None = None
    terrain: str | None = None
    mean: float | None = None
    std: float | None = None
    p5: float | None = None
    p95: float | None = None
    dark_share: float | None = None
    bright_share: float | None = None
    fingerprint: int | None = None
    thumbnail: bytes | None = None


def assess(file: BinaryIO, name: str) -> Assessment:
    """Decode a seekable image once and measure it.

    A damaged image is a result (``image.unreadable``, ``image.truncated`` or ``image.damaged``), not an exception.
    Of a DNG only the preview is decoded (``image.raw_preview_only``), or nothing (``image.raw_not_decoded``).
    """
    file.seek(0)
    return _assess(file.read(), name)


def assess_many(read: Callable[[str], bytes], names: Iterable[str], workers: int | None = None) -> Iterator[Assessment]:
    """Assess images on all cores, in the order given; ``read`` gives the whole file of a name, from any thread.

    An image that ``read`` refuses with a `DataError` is ``image.damaged``; its other errors are raised. Threads
    suffice, for decoding and measuring leave the interpreter free. One image per worker is in memory.
    """
    count = workers or len(os.sched_getaffinity(0))
    pending: deque[Future[Assessment]] = deque()
    with _one_thread_each(), ThreadPoolExecutor(count, thread_name_prefix="assess") as pool:
        for name in names:
            pending.append(pool.submit(_read_and_assess, read, name))
            if len(pending) >= _AHEAD * count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """OpenCV's own threads would only compete with ours; the setting belongs to the process and is put back."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _read_and_assess(read: Callable[[str], bytes], name: str) -> Assessment:
    try:
        content = read(name)
    except DataError as error:
        return Assessment(name, decodable=False, problem="image.damaged", message=error.message)
    return _assess(content, name)


def _assess(content: bytes, name: str) -> Assessment:
    try:
        pixels = decode(content, name)
    except DataError as error:
        return Assessment(name, decodable=False, problem=error.code, message=error.message)
    if pixels is None:
        return Assessment(name, decodable=True, problem="image.raw_not_decoded")
    return _measure(name, pixels)


def _measure(name: str, pixels: Pixels) -> Assessment:
    greys = grey(pixels.values)
    sharpness, low_texture = sharpness_by_grid(greys, pixels.scale)
    light = brightness(greys)
    small = reduced(pixels.values)
    return Assessment(
        name=name,
        decodable=True,
        problem="image.raw_preview_only" if pixels.preview else None,
        scale=pixels.scale,
        sharpness=sharpness,
        low_texture_share=low_texture,
        terrain=_terrain(small, low_texture) if sharpness is not None else None,
        mean=light.mean,
        std=light.std,
        p5=light.p5,
        p95=light.p95,
        dark_share=None if pixels.deep else light.dark_share,
        bright_share=None if pixels.deep else light.bright_share,
        fingerprint=fingerprint(small),
        thumbnail=thumbnail(small, pixels.orientation),
    )


def _terrain(small: Bytes, low_texture_share: float) -> Terrain | None:
    """Only where there is colour to tell it by, and a reason to ask."""
    if small.ndim == 2 or low_texture_share < LOW_TEXTURE_SHARE:
        return None
    return terrain(colours_of(small), low_texture_share)
