"""All resolutions of a raster in one pass: blocks are coded as they are read, and halved into the next level."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from aerodag.raster.cog.writer.container import Level, Spool
from aerodag.raster.cog.writer.reducing import Span, Tile

Place = tuple[int, int]
Patch = tuple[int, int, Tile]
Coded = tuple[bytes | None, bytes | None]
Halve = Callable[[Tile, Span, Span], Tile]
Code = Callable[[Tile], Coded]


@dataclass(frozen=True, slots=True)
class _Made:
    """A block of one level: where, its bytes, and its pixels for the next level; None of an empty one."""

    place: Place
    coded: Coded
    tile: Tile | None


def level_sizes(size: tuple[int, int], block: int) -> list[tuple[int, int]]:
    """(width, height) of every level down to one block."""
    sizes = [size]
    while max(sizes[-1]) > block:
        width, height = sizes[-1]
        sizes.append((-(-width // 2), -(-height // 2)))
    return sizes


class Pyramid:
    """Takes the blocks of the full resolution, row by row of read units, and ends with all levels in the spool.

    A level is at most one block high and wide at the end. Memory holds the blocks whose neighbours are still to come.
    """

    def __init__(
        self, size: tuple[int, int], block: int, spool: Spool, code: Code, halve: Halve, pool: ThreadPoolExecutor
    ) -> None:
        self._block, self._spool, self._code, self._halve, self._pool = block, spool, code, halve, pool
        self._sizes = level_sizes(size, block)
        self._blocks: list[dict[Place, tuple[int, int]]] = [{} for _ in self._sizes]
        self._masks: list[dict[Place, tuple[int, int]]] = [{} for _ in self._sizes]
        self._waiting: list[dict[Place, dict[Place, Tile | None]]] = [defaultdict(dict) for _ in self._sizes]
        self._borders: list[dict[tuple[int, int, int], Patch | None]] = [{} for _ in self._sizes]

    def add(self, tiles: Iterable[tuple[Place, Callable[[], Tile | None]]]) -> None:
        """Take blocks of the full resolution, by (row, column) of the block; None of those without content."""
        self._take(0, self._pool.map(self._leaf, tiles))

    def levels(self, *, masked: bool) -> list[Level]:
        """Every level, full resolution first."""
        found = []
        for (width, height), blocks, masks in zip(self._sizes, self._blocks, self._masks, strict=True):
            down, across = self._counts((width, height))
            places = list(product(range(down), range(across)))
            entries = [blocks.get(place, (0, 0)) for place in places]
            found.append(
                Level(width, height, entries, [masks.get(place, (0, 0)) for place in places] if masked else [])
            )
        return found

    def _counts(self, size: tuple[int, int]) -> tuple[int, int]:
        """Blocks down and across."""
        return -(-size[1] // self._block), -(-size[0] // self._block)

    def _leaf(self, item: tuple[Place, Callable[[], Tile | None]]) -> _Made:
        place, cut = item
        tile = cut()
        if tile is None:
            return _Made(place, (None, None), None)
        return _Made(place, self._code(tile), None if tile.empty else tile)

    def _take(self, level: int, made: Iterable[_Made]) -> None:
        """Keep the bytes of blocks, and make those of the next level that are complete with them."""
        ready = []
        for block in made:
            image, mask = block.coded
            self._blocks[level][block.place] = self._spool.add(image)
            self._masks[level][block.place] = self._spool.add(mask)
            if level + 1 < len(self._sizes) and self._wait(level, block.place, block.tile):
                ready.append((block.place[0] // 2, block.place[1] // 2))
        if ready:
            for parent in ready:
                for place, tile in self._waiting[level][parent].items():
                    self._keep_border(level, place, tile)
            whole = [(place, self._ground(level, place)) for place in ready]
            self._forget_borders(level, min(row for row, _ in ready))
            self._take(level + 1, self._pool.map(lambda item: self._parent(level, *item), whole))

    def _wait(self, level: int, place: Place, tile: Tile | None) -> bool:
        """Whether the block was the last of the up to four that one of the next level is made of."""
        parent = place[0] // 2, place[1] // 2
        siblings = self._waiting[level][parent]
        siblings[place] = tile
        down, across = self._counts(self._sizes[level])
        rows, columns = (min(2, count - 2 * at) for count, at in zip((down, across), parent, strict=True))
        return len(siblings) == rows * columns

    def _ground(self, level: int, parent: Place) -> list[Patch | None]:
        """What a block of the next level is made of; where halves are not even, with the borders of its neighbours."""
        siblings = self._waiting[level].pop(parent)
        patches: list[Patch | None] = [
            None if tile is None else (row * self._block, column * self._block, tile)
            for (row, column), tile in siblings.items()
        ]
        odd = self._sizes[level][0] % 2 or self._sizes[level][1] % 2
        if not odd or all(patch is None for patch in patches):
            return patches
        return patches + self._around(level, parent)

    def _spans(self, level: int, parent: Place) -> tuple[Span, Span]:
        """Rows and columns of a block of the next level."""
        (width, height), (finer_width, finer_height) = self._sizes[level + 1], self._sizes[level]
        top, left = parent[0] * self._block, parent[1] * self._block
        return (
            Span(top, min(top + self._block, height), finer_height),
            Span(left, min(left + self._block, width), finer_width),
        )

    def _keep_border(self, level: int, place: Place, tile: Tile | None) -> None:
        """The last row and column, for the blocks of the next level below and to the right."""
        width, height = self._sizes[level]
        top, left = place[0] * self._block, place[1] * self._block
        if height % 2 and place[0] % 2:
            last = None if tile is None else (top + self._block - 1, left, _part(tile, slice(-1, None), slice(None)))
            self._borders[level][place[0], place[1], 0] = last
        if width % 2 and place[1] % 2:
            last = None if tile is None else (top, left + self._block - 1, _part(tile, slice(None), slice(-1, None)))
            self._borders[level][place[0], place[1], 1] = last

    def _around(self, level: int, parent: Place) -> list[Patch | None]:
        """The neighbours' borders that lie around a block of the next level; None of an empty neighbour."""
        row, column = 2 * parent[0], 2 * parent[1]
        down, across = self._counts(self._sizes[level])
        above = [(row - 1, at, 0) for at in (column - 1, column, column + 1)]
        left = [(at, column - 1, 1) for at in (row, row + 1)]
        wanted = [key for key in (*above, *left) if key in self._borders[level] and key[0] < down and key[1] < across]
        return [self._borders[level][key] for key in wanted]

    def _forget_borders(self, level: int, first_row: int) -> None:
        """Rows above that are not needed any more."""
        borders = self._borders[level]
        for key in [key for key in borders if key[0] < 2 * first_row - 1]:
            del borders[key]

    def _parent(self, level: int, place: Place, ground: list[Patch | None]) -> _Made:
        patches = [patch for patch in ground if patch is not None]
        if not patches:
            return _Made(place, (None, None), None)
        spans = self._spans(level, place)
        tile = self._halve(_canvas(patches, spans, whole=len(patches) == len(ground)), *spans)
        return _Made(place, (None, None), None) if tile.empty else _Made(place, self._code(tile), tile)


def _canvas(patches: list[Patch], spans: tuple[Span, Span], *, whole: bool) -> Tile:
    """The finer pixels of the spans in one piece; ``whole`` if no patch is missing."""
    rows, columns = (span.lines for span in spans)
    shape = (len(rows), len(columns), patches[0][2].values.shape[2])
    masks = [tile.valid for _, _, tile in patches if tile.valid is not None]
    by_band = any(mask.ndim == 3 for mask in masks)
    canvas = Tile(
        np.zeros(shape, dtype=patches[0][2].values.dtype),
        None if whole and not masks else np.zeros(shape if by_band else shape[:2], dtype=bool),
    )
    for top, left, tile in patches:
        _paste(tile, top - rows.start, left - columns.start, canvas)
    return canvas


def _part(tile: Tile, rows: slice, columns: slice) -> Tile:
    valid = tile.valid
    return Tile(tile.values[rows, columns].copy(), None if valid is None else valid[rows, columns].copy())


def _paste(tile: Tile, top: int, left: int, canvas: Tile) -> None:
    """Copy a tile into the canvas at a row and column of it, as far as they overlap."""
    rows = slice(max(top, 0), min(top + tile.values.shape[0], canvas.values.shape[0]))
    columns = slice(max(left, 0), min(left + tile.values.shape[1], canvas.values.shape[1]))
    own = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    canvas.values[rows, columns] = tile.values[own]
    if canvas.valid is None:
        return
    if tile.valid is None:
        canvas.valid[rows, columns] = True
    else:
        same = tile.valid.ndim == canvas.valid.ndim
        canvas.valid[rows, columns] = tile.valid[own] if same else tile.valid[own][..., np.newaxis]
