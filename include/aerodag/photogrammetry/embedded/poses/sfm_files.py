"""The files through which the engine and its structure-from-motion process speak."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def image_file_name(index: int) -> str:
    """Name of image ``index`` in the folder of shrunk images; free of anything a file name may hold."""
    return f"{index:06d}.jpg"


@dataclass(frozen=True, slots=True)
class GroupJob:
    """A camera group: stored size, shrunk size, focal length in stored pixels, image indices."""

    width: int
    height: int
    small_width: int
    small_height: int
    focal_px: float
    focal_known: bool
    members: list[int]


@dataclass(frozen=True, slots=True)
class SfmJob:
    """Everything structure from motion needs, by image index.

    Positions and their sigmas in metres of the local frame; viewing directions as unit vectors of it, with their
    sigmas in radians.
    """

    groups: list[GroupJob]
    positions: list[list[float] | None]
    sigmas: list[list[float]]
    axes: list[list[float]]
    axis_sigmas: list[float]
    pairs: list[tuple[int, int]]
    feature_size: int
    max_features: int
    threads: int
    relaxed: bool

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> SfmJob:
        """Read what `save` wrote."""
        raw = json.loads(path.read_text())
        raw["groups"] = [GroupJob(**group) for group in raw["groups"]]
        raw["pairs"] = [(a, b) for a, b in raw["pairs"]]
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class SfmResult:
    """Registered images and tie points.

    Per registered image (n): ``image`` index, ``model`` number (0 is the largest), ``pose`` (n, 3, 4) local to
    camera, ``intrinsics`` (n, 5) f, cx, cy, k1, k2 in stored pixels, ``observed`` number of tie points seen.
    ``points`` (m, 6): x, y, z (local metres), model, track length, mean reprojection error (stored pixels).
    """

    image: NDArray[np.int64]
    model: NDArray[np.int64]
    pose: NDArray[np.float64]
    intrinsics: NDArray[np.float64]
    observed: NDArray[np.int64]
    points: NDArray[np.float64]
    facts: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write as npz."""
        with path.open("wb") as stream:
            np.savez(
                stream,
                image=self.image,
                model=self.model,
                pose=self.pose,
                intrinsics=self.intrinsics,
                observed=self.observed,
                points=self.points,
                facts=np.array(json.dumps(self.facts)),
            )

    @classmethod
    def load(cls, path: Path) -> SfmResult:
        """Read what `save` wrote."""
        with np.load(path) as data:
            arrays = {key: data[key] for key in data.files if key != "facts"}
            return cls(**arrays, facts=json.loads(str(data["facts"])))
