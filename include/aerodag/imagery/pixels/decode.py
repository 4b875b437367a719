"""Pixels of one image, decoded once and small, or what is wrong with the file."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from aerodag.errors import DataError
from aerodag.imagery.files.header import OPEN_ERRORS, open_image, raw_tags

# Longer side in pixels up to which an image is decoded at this scale. Entropy decoding is most of the work whatever the
# scale, so a coarser one saves little time (7 % from 2 to 4), but costs most of what tells sharp from blurred.
SCALES: Final = {1: 1_500, 2: 10_000, 4: 20_000}
_COARSEST = 8
_ORIENTATION, _DNG_VERSION = 0x0112, 0xC612
_DECODE_ERRORS = (*OPEN_ERRORS, ZeroDivisionError, RecursionError, Image.DecompressionBombError)
_LEAST_BLANK = 512
_BOTTOM_ROWS = 4
_DEEP_STEP = 4
# What TurboJPEG does not decode or warns of without the picture being harmed: CMYK, odd sampling, unknown versions in
# a header, stray bytes before a header segment, a few behind the last block as some cameras write them.
_HARMLESS = re.compile(
    r"subsampling level|colorspace|color conversion|Unknown Adobe|unknown JFIF|Invalid SOS parameters"
    r"|extraneous bytes before marker 0x(?:[ef].|c[0-2]|d[b-f])|: [1-3] extraneous bytes before marker 0xd9"
)

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pixels:
    """One decoded image.

    ``values`` are rows x columns x 3 (blue, green, red) or rows x columns (grey), EXIF ``orientation`` not applied;
    ``scale`` is the decoding denominator. ``deep`` values were stretched from more than 8 bits to their own white
    level. Of a DNG only the preview is ``values``.
    """

    values: Bytes
    scale: int = 1
    orientation: int = 1
    deep: bool = False
    preview: bool = False


def decode(content: bytes, name: str) -> Pixels | None:
    """Decode a JPEG (also thermal R-JPEG), TIFF, PNG or the preview of a DNG; None for a DNG without one.

    A JPEG whose compressed data contradict themselves is damaged even where a decoder fills the hole with grey.

    Raises:
        DataError: ``image.unreadable``, ``image.truncated``, ``image.damaged``.
    """
    try:
        with open_image(io.BytesIO(content), name) as image:
            return _decode(image, content)
    except DataError:
        if raw_tags(io.BytesIO(content)) is not None:
            return None
        raise
    except _DECODE_ERRORS as error:
        raise _damage(name, str(error)) from error


def grey(values: Bytes) -> Bytes:
    """Grey of colour values, themselves where they are grey."""
    if values.ndim == 2:
        return values
    import cv2

    return np.asarray(cv2.cvtColor(values, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def reduction(longer: int) -> int:
    """Decoding denominator for an image of ``longer`` pixels on its longer side."""
    return next((scale for scale, limit in SCALES.items() if longer <= limit), _COARSEST)


def _decode(image: Image.Image, content: bytes) -> Pixels:
    scale = reduction(max(image.size))
    if image.format in {"JPEG", "MPO"} and image.mode == "RGB":
        values = _by_turbojpeg(content, image.size, scale)
        if values is not None:
            return Pixels(values, scale, _orientation(image))
    pixels = _by_pillow(image, scale)
    if image.format in {"JPEG", "MPO"} and (blank := _blank_tail(content, pixels.values)):
        raise ValueError(f"truncated, it ends in {blank} zero bytes instead of picture data")
    return pixels


def _by_turbojpeg(content: bytes, size: tuple[int, int], scale: int) -> Bytes | None:
    """Blue, green, red; None for a JPEG that only Pillow decodes. Unlike others it tells of contradictory data."""
    import simplejpeg

    least = {"min_width": -(-size[0] // scale), "min_height": -(-size[1] // scale)}
    try:
        return np.asarray(simplejpeg.decode_jpeg(content, "BGR", **least))
    except ValueError as error:
        if _HARMLESS.search(str(error)):
            return None
        raise


def _by_pillow(image: Image.Image, scale: int) -> Pixels:
    longer = max(image.size)
    image.draft("RGB", (image.width // scale, image.height // scale))
    image.load()
    drafted = max(1, round(longer / max(image.size)))
    deep = image.mode.startswith(("I", "F"))
    mode = "L" if image.mode in {"1", "L", "LA"} else "RGB"
    small = _stretched(image) if deep else image.convert(mode)
    if drafted < scale:
        small = small.reduce(scale // drafted)
    values = np.asarray(small)
    return Pixels(
        values=np.ascontiguousarray(values[..., ::-1]) if values.ndim == 3 else values,
        scale=scale,
        orientation=_orientation(image),  # after loading, for Pillow turns a TIFF upright and drops the tag
        deep=deep,
        preview=_DNG_VERSION in getattr(image, "tag_v2", ()),
    )


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION)
    except OPEN_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _stretched(image: Image.Image) -> Image.Image:
    """Deep pixels to 8 bits by their own white level (99.9th percentile): 12 bits in 16 are common."""
    import cv2

    values = np.asarray(image)
    if values.dtype != np.uint16:
        values = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0).clip(min=0.0)
    white = float(np.percentile(values[::_DEEP_STEP, ::_DEEP_STEP], 99.9)) or 1.0
    return Image.fromarray(np.asarray(cv2.convertScaleAbs(values, alpha=255.0 / white)))


def _blank_tail(content: bytes, values: Bytes) -> int | None:
    """Number of zero bytes that stand where a JPEG's last rows should be, or None.

    An interrupted copy into a file of full size leaves zeros, which Pillow takes for flat grey without a word.
    Padding behind the end marker is harmless, and so is a photograph that really is flat below.
    """
    kept = content.rstrip(b"\x00")
    blank = len(content) - len(kept)
    if blank < _LEAST_BLANK or kept.endswith(b"\xff\xd9"):
        return None
    flat = float(values[-_BOTTOM_ROWS:].std(axis=1).max()) <= 1.0
    return blank if flat else None


def _damage(name: str, reason: str) -> DataError:
    cut = "truncated" in reason.lower() or "Premature end of JPEG" in reason
    return DataError(
        "image.truncated" if cut else "image.damaged",
        f"{name} is cut off: {reason}." if cut else f"{name} does not decode: {reason}.",
        advice="Copy the file from the card again or leave it out.",
        numbers={"image": name},
    )
