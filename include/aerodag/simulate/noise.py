"""Rough fields: sums of random lattices over a range of wavelengths."""

from __future__ import annotations

import math

import numpy as np

from aerodag.simulate.camera import Singles


def fractal(
    shape: tuple[int, int], texel: float, rng: np.random.Generator, *, coarsest: float, finest: float, slope: float
) -> Singles:
    """A field of zero mean and unit deviation with wavelengths from ``coarsest`` to ``finest`` metres.

    Amplitude grows with wavelength ** ``slope``: 0 is equally strong at all scales, 1 is like hills.
    Each octave is added at its own resolution and carried up, so the cost is that of the finest one.
    """
    import cv2

    octaves = max(1, round(math.log2(coarsest / finest)) + 1)
    field = np.zeros((2, 2), np.float32)
    for octave in range(octaves):
        cell = coarsest / 2**octave / 2 / texel
        size = tuple(max(2, math.ceil(n / max(cell, 1.0)) + 1) for n in shape)
        amplitude = np.float32((0.5**octave) ** slope)
        layer = rng.standard_normal(size, dtype=np.float32) * amplitude
        field = np.asarray(cv2.resize(field, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32) + layer
    field = np.asarray(cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    mean, deviation = cv2.meanStdDev(field)
    field -= np.float32(mean.item())
    field *= np.float32(1.0 / deviation.item())
    return field


def step(field: Singles, low: float, high: float) -> Singles:
    """Smooth passage from 0 at ``low`` to 1 at ``high``."""
    t = np.asarray(np.clip((field - np.float32(low)) * np.float32(1.0 / (high - low)), 0.0, 1.0), np.float32)
    return t * t * (np.float32(3.0) - np.float32(2.0) * t)
