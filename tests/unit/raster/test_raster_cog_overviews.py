"""Overviews of any size: each pixel against the exact mean of the ground that it stands for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from aerodag.raster.cog import ARCHIVE, WEB, make_cog
from samples.rasters import RGBA, Array, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
SIZES = [(513, 514), (700, 1301), (1025, 1023), (1537, 640), (1100, 2049)]


def shares(length: int) -> Array:
    """(pixels of the overview, pixels under them): how much of each lies under which."""
    count = -(-length // 2)
    edges = np.linspace(0, length, count + 1)
    cells = np.arange(length)
    return np.clip(np.minimum(cells + 1, edges[1:, None]) - np.maximum(cells, edges[:-1, None]), 0, 1)


def halved(values: Array, valid: Array) -> tuple[Array, Array]:
    """Means over the valid ground of one band, and how much of the ground of each pixel is valid."""
    down, across = shares(values.shape[0]), shares(values.shape[1])
    weights = down @ valid.astype(float) @ across.T
    sums = down @ np.where(valid, values, 0.0) @ across.T
    ground = np.outer(down.sum(axis=1), across.sum(axis=1))
    return np.divide(sums, weights, out=np.zeros_like(sums), where=weights > 1e-9), weights / ground


def overviews(path: Path, count: int) -> list[tuple[Array, Array]]:
    found = []
    for level in range(count):
        with rasterio.open(path, OVERVIEW_LEVEL=level) as overview:
            found.append((overview.read().astype(float), overview.dataset_mask() > 0))
    return found


@pytest.mark.parametrize("size", SIZES)
def test_every_level_is_the_mean_of_the_one_before(tmp_path: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    values = rng.normal(100, 40, (1, *size)).astype(np.float32)
    report = make_cog(save(tmp_path / "a.tif", values), tmp_path / "b.tif", ARCHIVE)
    finer = values[0].astype(float)
    for shown, valid in overviews(report.path, len(report.overviews)):
        expected, _ = halved(finer, np.ones(finer.shape, dtype=bool))
        assert valid.all()
        assert np.abs(shown[0] - expected).max() < 0.5  # of values that differ by 40 from their neighbours
        assert np.abs(shown[0] - expected).mean() < 0.02
        finer = shown[0]


@pytest.mark.parametrize("size", SIZES)
def test_only_valid_ground_counts(tmp_path: Path, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(size))
    values = rng.integers(1, 60_000, (2, *size)).astype(np.uint16)
    holes = np.kron(rng.random((2, -(-size[0] // 9), -(-size[1] // 7))) < 0.3, np.ones((9, 7)))[:, : size[0], : size[1]]
    values[holes > 0] = 0
    report = make_cog(save(tmp_path / "a.tif", values, nodata=0), tmp_path / "b.tif", ARCHIVE)
    ((shown, _), *_) = overviews(report.path, 1)
    for band in (0, 1):
        expected, share = halved(values[band].astype(float), values[band] > 0)
        inside = share > 1 - 1e-9
        assert np.abs(shown[band] - expected)[inside].mean() < 40
        assert (shown[band][share < 1e-9] == 0).all()
        assert (shown[band][share > 0.2] > 0).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_mask_covers_what_has_any_valid_ground(tmp_path: Path, size: tuple[int, int]) -> None:
    rows, columns = np.mgrid[: size[0], : size[1]]
    inside = np.hypot(rows - size[0] / 2, columns - size[1] / 2) < 0.4 * min(size)
    values = np.where(inside, np.stack([rows, columns, rows + columns, rows * 0 + 255]) % 200 + 20, 0).astype(np.uint8)
    values[3] = inside * 255
    report = make_cog(save(tmp_path / "a.tif", values, RGBA, photometric="RGB"), tmp_path / "b.tif", WEB)
    ((_, valid), *_) = overviews(report.path, 1)
    _, share = halved(inside.astype(float), inside)
    assert valid[share > 0.1].all()
    assert not valid[share < 1e-9].any()
