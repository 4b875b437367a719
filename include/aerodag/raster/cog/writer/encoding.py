"""One block of pixels as the bytes of a TIFF tile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from aerodag.raster.cog.profiles import CogProfile
from aerodag.raster.cog.writer.reducing import Tile

Array = npt.NDArray[Any]
Encoder = Callable[[Array], bytes]


def encoder_of(profile: CogProfile, dtype: str) -> Encoder:
    """Bytes of (block, block, bands): ZSTD or DEFLATE with the predictor of the type, JPEG or WEBP."""
    import imagecodecs

    if profile.compress == "JPEG":
        return lambda pixels: bytes(
            imagecodecs.jpeg8_encode(
                np.ascontiguousarray(pixels), level=profile.quality, subsampling="420", optimize=True
            )
        )
    if profile.compress == "WEBP":
        return lambda pixels: bytes(
            imagecodecs.webp_encode(np.ascontiguousarray(pixels), level=profile.quality, lossless=False, method=4)
        )
    compress: Callable[..., Any] = imagecodecs.zstd_encode if profile.compress == "ZSTD" else imagecodecs.deflate_encode
    predict = _predictor(dtype)
    return lambda pixels: bytes(compress(predict(np.ascontiguousarray(pixels)), level=profile.level))


def encode_mask(valid: npt.NDArray[np.bool_]) -> bytes:
    """One bit a pixel, deflated."""
    import imagecodecs

    return bytes(imagecodecs.deflate_encode(np.packbits(valid, axis=1).tobytes(), level=6))


def padded(values: Array, block: int, *, repeat: bool) -> Array:
    """To the size of a block; lossy codecs see the border go on, lossless ones zeros."""
    rows, columns = values.shape[:2]
    if (rows, columns) == (block, block):
        return values
    margin = ((0, block - rows), (0, block - columns), *((0, 0),) * (values.ndim - 2))
    return np.pad(values, margin, mode="edge") if repeat else np.pad(values, margin)


def filled(tile: Tile) -> Array:
    """Invalid pixels in the mean colour of the valid: black ones would bleed over the border inside a JPEG block."""
    if tile.valid is None:
        return tile.values
    mean = np.rint(tile.values[tile.valid].mean(axis=0)).astype(tile.values.dtype)
    return np.where(tile.valid[..., np.newaxis], tile.values, mean)


def _predictor(dtype: str) -> Callable[[Array], Array]:
    import imagecodecs

    kind = np.dtype(dtype)
    if kind.kind == "c":
        return lambda pixels: pixels
    if kind.kind == "f":
        return lambda pixels: np.asarray(imagecodecs.floatpred_encode(pixels, axis=-2))
    return lambda pixels: np.asarray(imagecodecs.delta_encode(pixels, axis=-2))
