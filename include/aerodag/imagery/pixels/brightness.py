"""Statistics of grey values, 0..255."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aerodag.imagery.pixels.decode import Bytes

DARK_BELOW: Final = 20
BRIGHT_ABOVE: Final = 235
_ROWS = 125


@dataclass(frozen=True, slots=True)
class Brightness:
    """Mean, standard deviation, 5th and 95th percentile; shares of pixels under 20 and over 235."""

    mean: float
    std: float
    p5: float
    p95: float
    dark_share: float
    bright_share: float


def brightness(grey: Bytes) -> Brightness:
    """Of grey values; of a large image every n-th row is counted."""
    import cv2

    rows = grey[:: max(1, grey.shape[0] // _ROWS)]
    shares = cv2.calcHist([rows], [0], None, [256], [0, 256]).ravel().astype(np.float64) / rows.size
    levels = np.arange(256.0)
    mean = float(levels @ shares)
    cumulated = np.cumsum(shares)
    return Brightness(
        mean=mean,
        std=float(np.sqrt((levels - mean) ** 2 @ shares)),
        p5=float(np.searchsorted(cumulated, 0.05)),
        p95=float(np.searchsorted(cumulated, 0.95)),
        dark_share=float(shares[:DARK_BELOW].sum()),
        bright_share=float(shares[BRIGHT_ABOVE + 1 :].sum()),
    )
