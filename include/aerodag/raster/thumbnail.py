"""A small picture of a raster, read from an overview and never from the full pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from rasterio.io import DatasetReader

from aerodag.errors import ConfigError
from aerodag.raster.gdal import beside, decimated_shape, opened, validity
from aerodag.raster.standard import colour_bands, palette_of, percentile_ranges, to_bytes

_FORMATS = {".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """Size in pixels, bytes, and the share of the picture that is not transparent."""

    path: Path
    width: int
    height: int
    bytes: int
    valid_ratio: float


def make_thumbnail(source: Path, target: Path, size: int = 512) -> Thumbnail:
    """Draw ``source`` at most ``size`` pixels a side, its shape kept, never enlarged.

    The suffix of ``target`` decides: WEBP and PNG are transparent where the raster is, JPEG is white there. Colours
    are averaged by their opacity, so borders do not darken. Only other types than uint8 are stretched (2-98 %).

    Raises:
        ConfigError: ``raster.thumbnail_format``.
        DataError: ``raster.unreadable``, ``raster.empty`` (only where values have to be stretched).
    """
    kind = _FORMATS.get(target.suffix.lower())
    if kind is None:
        raise ConfigError(
            "raster.thumbnail_format",
            f"A thumbnail cannot be written as {target.suffix or 'a file without suffix'}.",
            advice="Use .webp, .png, .jpg or .jpeg.",
        )
    with opened(source) as dataset:
        picture = Image.fromarray(_read(dataset, 2 * size))
        rows, columns = decimated_shape(dataset, size)
    # Pillow multiplies by alpha before it averages and divides afterwards.
    picture = picture.resize((columns, rows), Image.Resampling.HAMMING)
    ratio = float(np.count_nonzero(np.asarray(picture)[..., 3]) / (rows * columns))
    if kind == "JPEG":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    with beside(target) as partial:
        picture.save(partial, kind, quality=_QUALITY)
        written = partial.stat().st_size
    return Thumbnail(target, columns, rows, written, ratio)


def _read(dataset: DatasetReader, longer_side: int) -> npt.NDArray[np.uint8]:
    """RGBA (rows, columns, 4), decimated: GDAL takes the overview that is just fine enough by itself."""
    shape = decimated_shape(dataset, longer_side)
    bands = colour_bands(dataset)
    colours = dataset.read(list(bands), out_shape=(3, *shape))
    if (palette := palette_of(dataset)) is not None:
        colours = np.moveaxis(palette[colours[0]], -1, 0)
    elif colours.dtype != np.uint8:
        colours = to_bytes(colours, percentile_ranges(dataset, bands))
    alpha = validity(dataset, shape=shape)
    return np.ascontiguousarray(np.moveaxis(np.concatenate([colours, alpha[np.newaxis]]), 0, -1))
