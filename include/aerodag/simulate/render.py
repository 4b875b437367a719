"""What the camera sees of the land: rays cast on the height raster, with what hides what."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aerodag.simulate.camera import Lens, Pose, Singles
from aerodag.simulate.canvas import LEAVES
from aerodag.simulate.scene import Scene

POOL = 8
BLOCK = 4
COARSE_DROP_M = 0.2
FINE_STEP_M = 0.07
STEEPEST_DROP_M = 0.4
WALL_DEPTH_M = 0.3
CHUNK = 4096
# The raster has no texture for steep sides: beyond this rise within a cell they show what lies further along the ray,
# so that the sides of trees, hedges and cars look like their tops folded down.
LEVEL_M = 0.045
FOLD = 0.9
LEAF_M = 0.09
LEAF_CELLS = 256


@dataclass(frozen=True, slots=True)
class Rays:
    """Straight lines from the camera in raster coordinates (cell centres at whole numbers).

    ``drop`` metres below the camera a ray is at column ``col0 + drop * col`` and row ``row0 + drop * row``.
    """

    col0: np.float32
    row0: np.float32
    col: Singles
    row: Singles

    def at(self, drop: Singles) -> tuple[Singles, Singles]:
        """Column and row of each ray after its drop."""
        return self.col0 + self.col * drop, self.row0 + self.row * drop

    def pick(self, index: NDArray[np.intp]) -> Rays:
        """The chosen rays (flat index)."""
        return Rays(self.col0, self.row0, self.col.ravel()[index], self.row.ravel()[index])

    def thin(self, step: int) -> Rays:
        """Every ``step``-th ray of both directions, from the middle of each block."""
        first = step // 2
        return Rays(self.col0, self.row0, self.col[first::step, first::step], self.row[first::step, first::step])


@dataclass(frozen=True, slots=True)
class Renderer:
    """One scene seen by one lens; ``expose`` may run in several threads."""

    scene: Scene
    x: Singles
    y: Singles
    texture: NDArray[np.uint8]
    tallest: Singles
    highest: Singles
    leaves: Singles

    @classmethod
    def prepare(cls, scene: Scene, lens: Lens) -> Renderer:
        """Compute what all images share: ray directions, the texture filtered to pixel size, heights of blocks."""
        import cv2

        x, y = lens.directions()
        heights = scene.heights
        rows, cols = (n // POOL * POOL for n in heights.shape)
        blocks = heights[:rows, :cols].reshape(rows // POOL, POOL, cols // POOL, POOL)
        around = np.ones((3, 3), np.uint8)
        return cls(
            scene=scene,
            x=x.astype(np.float32),
            y=y.astype(np.float32),
            texture=np.asarray(cv2.GaussianBlur(scene.texture, (0, 0), 0.5), np.uint8),
            tallest=np.asarray(cv2.dilate(heights, around), np.float32),
            highest=np.asarray(cv2.dilate(blocks.max(axis=(1, 3)), around), np.float32),
            leaves=np.random.default_rng(0).normal(1.0, 0.16, (LEAF_CELLS, LEAF_CELLS)).astype(np.float32),
        )

    def expose(self, pose: Pose) -> NDArray[np.uint8]:
        """The scene's light on the sensor, RGB (height, width, 3), before exposure and noise."""
        import cv2

        rays = self._rays(pose)
        camera = np.float32(pose.up)
        drop = self._cast(rays, camera)
        col, row = rays.at(drop)
        top = cv2.remap(self.tallest, col, row, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        depth = np.maximum(top - camera + drop - np.float32(LEVEL_M), np.float32(0.0))
        ahead = depth * np.float32(FOLD)
        image = np.asarray(
            cv2.remap(
                self.texture, col + rays.col * ahead, row + rays.row * ahead,
                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )  # fmt: skip
        self._paint_sides(image, col, row, camera - drop, depth)
        return image

    def depths(self, pose: Pose) -> Singles:
        """Metres, vertically, from the camera down to what each pixel shows; shape (height, width)."""
        return self._cast(self._rays(pose), np.float32(pose.up))

    def _rays(self, pose: Pose) -> Rays:
        """Raster coordinates per metre of drop for every pixel."""
        grid = self.scene.grid
        right, down, forward = pose.rotation.astype(np.float32)
        sink = -(self.x * right[2] + self.y * down[2] + forward[2])
        scale = np.float32(1.0 / grid.texel) / sink
        return Rays(
            col0=np.float32((pose.east - grid.west) / grid.texel - 0.5),
            row0=np.float32((grid.north - pose.north) / grid.texel - 0.5),
            col=(self.x * right[0] + self.y * down[0] + forward[0]) * scale,
            row=-(self.x * right[1] + self.y * down[1] + forward[1]) * scale,
        )

    def _cast(self, rays: Rays, camera: np.float32) -> Singles:
        """Drop of each ray where it first meets the surface."""
        shape = rays.col.shape
        above = self._safe_drop(rays, camera)
        slope = np.hypot(rays.col, rays.row) * np.float32(self.scene.grid.texel)
        step = np.minimum(np.float32(FINE_STEP_M) / np.maximum(slope, np.float32(1e-3)), np.float32(STEEPEST_DROP_M))
        gap = self._gap(rays, camera, above)
        below, gap_below = above + step, gap.copy()
        flat = [a.ravel() for a in (above, gap, below, gap_below, step)]
        active = np.arange(above.size)
        while active.size:
            drop = flat[2][active]
            value = self._gap(rays.pick(active), camera, drop)
            hit = value <= 0
            flat[3][active[hit]] = value[hit]
            active, drop, value = active[~hit], drop[~hit], value[~hit]
            flat[0][active], flat[1][active] = drop, value
            flat[2][active] = drop + flat[4][active]
        return self._refine(rays, camera, *(a.reshape(shape) for a in flat[:4]))

    def _safe_drop(self, rays: Rays, camera: np.float32) -> Singles:
        """A drop per ray at which it is surely still above everything, from coarse rays over blocks of cells."""
        import cv2

        thin = rays.thin(BLOCK)
        lowest, top = float(self.highest.min()), float(self.highest.max())
        start = float(camera) - top
        steps = math.ceil((top - lowest) / COARSE_DROP_M) + 1
        drop = np.full(thin.col.shape, start, np.float32)
        free = np.ones(thin.col.shape, bool)
        for number in range(1, steps + 1):
            ahead = np.full(thin.col.shape, start + number * COARSE_DROP_M, np.float32)
            col, row = thin.at(ahead)
            height = cv2.remap(
                self.highest, (col + 0.5) / POOL - 0.5, (row + 0.5) / POOL - 0.5,
                cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE,
            )  # fmt: skip
            free &= camera - ahead > height
            drop[free] = ahead[free]
            if not free.any():
                break
        drop = np.asarray(cv2.erode(drop, np.ones((3, 3), np.uint8)), np.float32)
        rows, cols = rays.col.shape
        whole = np.repeat(np.repeat(drop, BLOCK, axis=0), BLOCK, axis=1)
        return np.pad(whole, ((0, BLOCK), (0, BLOCK)), mode="edge")[:rows, :cols]

    def _gap(self, rays: Rays, camera: np.float32, drop: Singles) -> Singles:
        """Metres between each ray and the surface below it, negative once it is under."""
        import cv2

        col, row = rays.at(drop)
        shape = col.shape
        if col.ndim == 1:
            pad = -col.size % CHUNK
            col, row = (np.pad(a, (0, pad)).reshape(-1, CHUNK) for a in (col, row))
        height = cv2.remap(self.scene.heights, col, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return camera - drop - height.ravel()[: drop.size].reshape(shape)

    def _refine(
        self, rays: Rays, camera: np.float32, above: Singles, gap: Singles, below: Singles, gap_below: Singles
    ) -> Singles:
        """Narrow the bracket by secants (quick on slopes) and halving (sure on walls) in turn."""
        middle = above
        for turn in range(5):
            if turn % 2 == 0:
                share = np.clip(gap / np.maximum(gap - gap_below, np.float32(1e-6)), 0.0, 1.0)
                middle = above + (below - above) * share
            else:
                middle = (above + below) * np.float32(0.5)
            value = self._gap(rays, camera, middle)
            under = value <= 0
            below, gap_below = np.where(under, middle, below), np.where(under, value, gap_below)
            above, gap = np.where(under, above, middle), np.where(under, gap, value)
        return middle

    def _paint_sides(self, image: NDArray[np.uint8], col: Singles, row: Singles, z: Singles, depth: Singles) -> None:
        """Facades and foliage wherever a ray met a side, ``depth`` metres below the top next to it."""
        steep = np.flatnonzero(depth)
        c, r, height, deep = (a.ravel()[steep] for a in (col, row, z, depth))
        owner = self._owner_near(c, r)
        pixels = image.reshape(-1, 3)
        leafy = owner == LEAVES
        pixels[steep[leafy]] = self._foliage(pixels[steep[leafy]], c[leafy] - r[leafy], height[leafy])
        grid = self.scene.grid
        for number in np.unique(owner[(owner > 0) & ~leafy]):
            of = (owner == number) & (deep > WALL_DEPTH_M)
            x = np.float32(grid.west) + (c[of] + np.float32(0.5)) * np.float32(grid.texel)
            y = np.float32(grid.north) - (r[of] + np.float32(0.5)) * np.float32(grid.texel)
            walls = self.scene.walls[number - 1]
            outer = walls.at_edge(x, y)
            shade = walls.shade(x[outer], y[outer], height[of][outer])
            pixels[steep[of][outer]] = shade.clip(0, 255).astype(np.uint8)

    def _foliage(self, colour: NDArray[np.uint8], along: Singles, height: Singles) -> NDArray[np.uint8]:
        """Colours (n, 3) broken into light and dark leaves by height and place."""
        size = np.float32(1.0 / LEAF_M)
        u = np.floor(along * np.float32(self.scene.grid.texel) * size).astype(np.int32) % LEAF_CELLS
        v = np.floor(height * size).astype(np.int32) % LEAF_CELLS
        return np.asarray(np.clip(colour * self.leaves[v, u][:, None], 0, 255), np.uint8)

    def _owner_near(self, col: Singles, row: Singles) -> NDArray[np.uint16]:
        """Number of the building within one cell of each place, 0 if there is none."""
        rows, cols = self.scene.owner.shape
        c, r = np.rint(col).astype(np.int32), np.rint(row).astype(np.int32)
        near = [
            self.scene.owner[np.clip(r + dr, 0, rows - 1), np.clip(c + dc, 0, cols - 1)]
            for dr in (-1, 0, 1)
            for dc in (-1, 0, 1)
        ]
        return np.asarray(np.max(near, axis=0), np.uint16)
