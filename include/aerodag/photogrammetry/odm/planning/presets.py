"""Named sets of engine options for common purposes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.options import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Options by name, and how fine the orthophoto gets: never finer than ``least_cm``, at best ``times_gsd``.

    ``gpu_features`` tells whether features may be plain SIFT where a GPU is granted; dspsift, ODM's own choice, finds
    more under changing views but knows no GPU.
    """

    description: str
    options: Mapping[str, Value] = field(default_factory=dict)
    times_gsd: float
    least_cm: float = 0.0
    gpu_features: bool = True


# ODM takes the resolution as a floor and goes itself no finer than 10 % below its own estimate of the GSD
# (opendm/gsd.py). Asking for that much less gives native pixels although its estimate and ours differ a little.
NATIVE = 0.9

# A 3D model is never published. The report stays where its statistics are wanted: without it ODM counts no
# registered images and no GPS errors, and a later run cannot make up for that.
PRESETS = {
    "fast": Preset(
        description="An orthophoto from the sparse points in pixels of 5 cm or more, for flat ground.",
        options={"fast-orthophoto": True, "feature-quality": "medium", "skip-3dmodel": True},
        times_gsd=1.0,
        least_cm=5.0,
    ),
    "standard": Preset(
        description="An orthophoto at native resolution and a surface model.",
        options={"dsm": True, "skip-3dmodel": True},
        times_gsd=NATIVE,
    ),
    "dem": Preset(
        description="Surface and terrain model from denser points, and an orthophoto at native resolution.",
        options={"dsm": True, "dtm": True, "pc-quality": "high", "skip-3dmodel": True},
        times_gsd=NATIVE,
    ),
    "forest": Preset(
        description="More features per image, for canopy, crops and other repeating texture.",
        options={
            "dsm": True,
            "min-num-features": 18000,
            "skip-3dmodel": True,
            "texturing-keep-unseen-faces": True,
        },
        times_gsd=NATIVE,
        gpu_features=False,
    ),
    "multispectral": Preset(
        description="Reflectance of all bands in one orthophoto, its colours not evened out.",
        options={
            "radiometric-calibration": "camera",
            "skip-3dmodel": True,
            "texturing-skip-global-seam-leveling": True,
        },
        times_gsd=NATIVE,
        gpu_features=False,
    ),
    "draft": Preset(
        description="The quickest look at a survey: coarse features, pixels of 10 cm or more, no report.",
        options={"fast-orthophoto": True, "feature-quality": "low", "skip-3dmodel": True, "skip-report": True},
        times_gsd=2.0,
        least_cm=10.0,
    ),
}


def preset(name: str) -> Preset:
    """The preset of that name.

    Raises:
        ConfigError: ``odm.preset_unknown``.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=1)
    raise ConfigError(
        "odm.preset_unknown",
        f"There is no preset {name!r}.",
        advice=f"Did you mean {near[0]}?" if near else f"There are {', '.join(PRESETS)}.",
        numbers={"preset": name},
    )
