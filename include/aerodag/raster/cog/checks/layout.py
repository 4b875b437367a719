"""The order of a COG's bytes: rio-cogeo's strict validation, and what only GDAL's full check looks at.

rio-cogeo compares the first block of each level. GDAL's validate_cloud_optimized_geotiff.py with ``--full-check=yes``
also wants every block in order, its size before it, its last four bytes repeated behind it and its mask right after it.
"""

from __future__ import annotations

import os
import struct
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rio_cogeo.cogeo import cog_validate

from aerodag.raster.cog.checks.failing import invalid

_GHOST = {
    "LAYOUT": "IFDS_BEFORE_DATA",
    "BLOCK_ORDER": "ROW_MAJOR",
    "BLOCK_LEADER": "SIZE_AS_UINT4",
    "BLOCK_TRAILER": "LAST_4_BYTES_REPEATED",
    "KNOWN_INCOMPATIBLE_EDITION": "NO",
}
_MASK_GHOST = {"MASK_INTERLEAVED_WITH_IMAGERY": "YES"}
_FRAME = 4


@dataclass(frozen=True, slots=True)
class Blocks:
    """Offsets and sizes in bytes of a level's blocks, row by row; 0 where the block is absent (sparse)."""

    name: str
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]


def check_layout(path: Path) -> None:
    """Refuse what is not a COG, to the last block.

    Raises:
        EngineError: ``raster.cog_invalid``.
    """
    valid, errors, complaints = cog_validate(path, strict=True, quiet=True)
    if not valid:
        raise invalid(f"its layout is not valid ({'; '.join([*errors, *complaints])})")
    with rasterio.open(path) as dataset:
        masked = _has_internal_mask(dataset)
        _check_ghost(dataset, masked)
        levels = len(dataset.overviews(1))
        images = [blocks_of(dataset, None if level == 0 else level - 1) for level in range(levels + 1)]
    masks = _masks(path, levels) if masked else []
    with path.open("rb") as file:
        for blocks in [*images, *masks]:
            _check_order(blocks)
            _check_frames(file.fileno(), blocks)
    for finer, coarser in pairwise(images):
        if coarser.offsets.max() > finer.offsets[finer.offsets > 0].min(initial=np.iinfo(np.int64).max):
            raise invalid(f"blocks of {coarser.name} lie behind those of {finer.name}")
    for image, mask in zip(images, masks, strict=False):
        _check_interleaving(image, mask)


def blocks_of(dataset: DatasetReader, overview: int | None = None, name: str | None = None) -> Blocks:
    """Where the blocks of a TIFF's first band lie, of an overview level (from 0) where one is given."""
    height, width = dataset.shape
    if overview is not None:
        with rasterio.open(dataset.name, OVERVIEW_LEVEL=overview) as level:
            height, width = level.shape
    block_rows, block_columns = dataset.block_shapes[0]
    rows, columns = range(-(-height // block_rows)), range(-(-width // block_columns))
    cells = [f"{column}_{row}" for row in rows for column in columns]
    offsets = [dataset.get_tag_item(f"BLOCK_OFFSET_{cell}", "TIFF", bidx=1, ovr=overview) for cell in cells]
    sizes = [dataset.get_tag_item(f"BLOCK_SIZE_{cell}", "TIFF", bidx=1, ovr=overview) for cell in cells]
    title = name or ("the full resolution" if overview is None else f"overview {overview}")
    return Blocks(title, _integers(offsets), _integers(sizes))


def _integers(values: list[str | None]) -> npt.NDArray[np.int64]:
    return np.array([int(value or 0) for value in values], dtype=np.int64)


def _has_internal_mask(dataset: DatasetReader) -> bool:
    flags = dataset.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _check_ghost(dataset: DatasetReader, masked: bool) -> None:
    if dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG":
        raise invalid("GDAL does not recognise its layout as that of a COG")
    text = dataset.get_tag_item("GDAL_STRUCTURAL_METADATA", "TIFF") or ""
    found = dict(line.strip().split("=", 1) for line in text.splitlines() if "=" in line)
    wanted = _GHOST | (_MASK_GHOST if masked else {})
    wrong = [name for name, value in wanted.items() if found.get(name) != value]
    if wrong:
        raise invalid(f"its structural metadata lacks or contradicts {', '.join(wrong)}")


def _masks(path: Path, levels: int) -> list[Blocks]:
    """GDAL's order of directories: image, its mask, overviews, the overviews' masks."""
    directories = [2, *range(3 + levels, 3 + 2 * levels)]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        for level, directory in enumerate(directories):
            with rasterio.open(f"GTIFF_DIR:{directory}:{path}") as mask:
                found.append(blocks_of(mask, name=f"mask {level}"))
    return found


def _check_order(blocks: Blocks) -> None:
    present = blocks.offsets[blocks.offsets > 0]
    if (np.diff(present) <= 0).any():
        raise invalid(f"blocks of {blocks.name} are not in order")


def _check_frames(file: int, blocks: Blocks) -> None:
    for offset, size in zip(blocks.offsets.tolist(), blocks.sizes.tolist(), strict=True):
        if offset == 0:
            continue
        leader = os.pread(file, _FRAME, offset - _FRAME)
        trailer = os.pread(file, 2 * _FRAME, offset + size - _FRAME)
        sound = leader == struct.pack("<I", size) and len(trailer) == 2 * _FRAME
        if not sound or (size >= _FRAME and trailer[:_FRAME] != trailer[_FRAME:]):
            raise invalid(f"the block at byte {offset} of {blocks.name} is not framed by its size and its end")


def _check_interleaving(image: Blocks, mask: Blocks) -> None:
    if image.offsets.shape != mask.offsets.shape:
        raise invalid(f"{mask.name} has other blocks than {image.name}")
    both = (image.offsets > 0) & (mask.offsets > 0)
    behind = image.offsets + image.sizes + 2 * _FRAME
    if (mask.offsets[both] != behind[both]).any():
        raise invalid(f"blocks of {mask.name} do not follow their image")
