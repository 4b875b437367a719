"""Is every block of a raster still what its writer wrote: read once, in threads, with bounded memory.

GDAL alone does not find all damage: it stops inflating before the checksum of a DEFLATE block, and takes what libjpeg
calls corrupt for a warning. Both are looked at here. Codecs without a checksum (LZW, ZSTD as TIFF uses it, WEBP,
uncompressed) hide damage that still decodes; only the checksum of the whole file could show that.
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.errors import DataError
from aerodag.raster.gdal import CACHE_MB, GDAL_ERRORS, opened

_THREADS = max(2, os.cpu_count() or 2)
_BATCH_BYTES = 4 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class _Block:
    """One block: its bands, where on the picture, and where in the file if that is known."""

    band: int | None
    window: Window
    offset: int = 0
    size: int = 0


def require_whole(path: Path, cache_mb: int = CACHE_MB) -> None:
    """Read every block of a raster, its overviews and masks included, once.

    Absent blocks of a sparse TIFF are no damage and cost nothing.

    Raises:
        DataError: ``raster.unreadable``, or ``raster.damaged`` with the number of blocks that cannot be read.
    """
    with opened(path, cache_mb) as dataset:
        names = list(_directories(path)) if dataset.driver == "GTiff" else [str(path)]
    total, damaged = 0, []
    for name in names:
        checked, found = _check(name, path, cache_mb)
        total += checked
        damaged += found
    if damaged:
        first = damaged[0].window
        raise DataError(
            "raster.damaged",
            f"{len(damaged)} of {total} blocks of {path.name} cannot be read; the first one begins at row "
            f"{first.row_off}, column {first.col_off}.",
            advice="Copy or upload the raster again; part of it is missing or overwritten.",
            numbers={
                "blocks": total,
                "damaged": len(damaged),
                "first_row": first.row_off,
                "first_column": first.col_off,
            },
        )


def _directories(path: Path) -> Iterator[str]:
    """GDAL names of all directories of a TIFF: the raster itself, its overviews and its masks."""
    yield str(path)
    number = 2
    while _opens(f"GTIFF_DIR:{number}:{path}"):
        yield f"GTIFF_DIR:{number}:{path}"
        number += 1


def _opens(name: str) -> bool:
    with ExitStack() as stack:
        try:
            _reader(name, stack)
        except GDAL_ERRORS:
            return False
        return True


def _reader(name: str, stack: ExitStack) -> DatasetReader:
    """A dataset of its own for one thread. Overviews and masks have no georeference of their own; that is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return stack.enter_context(rasterio.open(name))


def _check(name: str, path: Path, cache_mb: int) -> tuple[int, list[_Block]]:
    """Number of blocks of one directory that are there, and those that cannot be read."""
    readers: SimpleQueue[DatasetReader] = SimpleQueue()
    with (
        ExitStack() as stack,
        rasterio.Env(GDAL_CACHEMAX=cache_mb << 20, GDAL_NUM_THREADS="1"),
        path.open("rb") as file,
        _Complaints() as complaints,
    ):
        for _ in range(_THREADS):
            readers.put(_reader(name, stack))
        dataset = readers.get()
        readers.put(dataset)
        codec = _codec(dataset)
        blocks = list(_blocks(dataset))
        size = path.stat().st_size

        def failing(batch: list[_Block]) -> list[_Block]:
            reader = readers.get()
            try:
                with rasterio.Env():  # it is what brings GDAL's warnings of this thread into the log
                    return [
                        block for block in batch if not _is_sound(reader, block, codec, file.fileno(), size, complaints)
                    ]
            finally:
                readers.put(reader)

        with ThreadPoolExecutor(_THREADS) as pool:
            found = list(pool.map(failing, _batches(blocks, dataset)))
    return len(blocks), [block for part in found for block in part]


def _blocks(dataset: DatasetReader) -> Iterator[_Block]:
    """All blocks that the file holds, band by band where bands are apart."""
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    together = structure.get("INTERLEAVE") == "PIXEL" or dataset.count == 1
    for band in [1] if together else dataset.indexes:
        for (row, column), window in dataset.block_windows(band):
            read_as = None if together else band
            if dataset.driver != "GTiff":
                yield _Block(read_as, window)
                continue
            offset = dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=band)
            size = dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=band)
            if offset and size:
                yield _Block(read_as, window, int(offset), int(size))


def _is_sound(
    dataset: DatasetReader, block: _Block, codec: str, descriptor: int, size: int, complaints: _Complaints
) -> bool:
    if block.offset + block.size > size:
        return False
    if codec == "NONE":
        return _arrives(descriptor, block)
    if codec == "DEFLATE":
        return _inflates(descriptor, block)
    complaints.forget()
    try:
        dataset.read(block.band, window=block.window)
    except GDAL_ERRORS:
        return False
    return not complaints.any()


def _pieces(descriptor: int, block: _Block) -> Iterator[bytes]:
    end = block.offset + block.size
    for start in range(block.offset, end, _PIECE):
        yield os.pread(descriptor, min(_PIECE, end - start), start)


def _arrives(descriptor: int, block: _Block) -> bool:
    try:
        return sum(len(piece) for piece in _pieces(descriptor, block)) == block.size
    except OSError:
        return False


def _inflates(descriptor: int, block: _Block) -> bool:
    """Inflate to the very end: only there zlib compares the checksum."""
    stream = zlib.decompressobj()
    try:
        for piece in _pieces(descriptor, block):
            stream.decompress(piece, _PIECE)
            while stream.unconsumed_tail and not stream.eof:
                stream.decompress(stream.unconsumed_tail, _PIECE)
        while not stream.eof and stream.decompress(b"", _PIECE):
            pass
    except (zlib.error, OSError):
        return False
    return stream.eof


def _codec(dataset: DatasetReader) -> str:
    """Name of the codec of a TIFF, NONE if it has none; empty for other formats, which only GDAL can read."""
    if dataset.driver != "GTiff":
        return ""
    return str(dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "NONE"))


def _batches(blocks: list[_Block], dataset: DatasetReader) -> Iterator[list[_Block]]:
    """Several small blocks at a time, so that handing them out does not cost more than reading them."""
    rows, columns = dataset.block_shapes[0]
    pixel = sum(np.dtype(kind).itemsize for kind in dataset.dtypes)
    length = max(1, _BATCH_BYTES // (rows * columns * pixel))
    for start in range(0, len(blocks), length):
        yield blocks[start : start + length]


class _Complaints(logging.Handler):
    """What libjpeg complained about in each thread: GDAL hands it on as a warning and goes on with grey pixels."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen = threading.local()
        self._loggers = [logging.getLogger(name) for name in ("rasterio._err", "rasterio._env")]
        self._were = [(logger.disabled, logger.level, logger.propagate) for logger in self._loggers]

    def __enter__(self) -> _Complaints:
        for logger in self._loggers:
            logger.addHandler(self)
            logger.disabled = logger.propagate = False
            logger.setLevel(logging.WARNING)
        return self

    def __exit__(self, *_: object) -> None:
        for logger, (disabled, level, propagate) in zip(self._loggers, self._were, strict=True):
            logger.removeHandler(self)
            logger.disabled, logger.propagate = disabled, propagate
            logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        if "JPEGLib" in record.getMessage():
            self._seen.any = True

    def forget(self) -> None:
        """Begin anew in this thread."""
        self._seen.any = False

    def any(self) -> bool:
        """Was there a complaint in this thread since."""
        return bool(getattr(self._seen, "any", False))
