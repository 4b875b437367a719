"""The vegetation indices: formula, source, range and classes of each. Adding one is adding a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aerodag.errors import ConfigError
from aerodag.raster.indices.expression import needs
from aerodag.raster.kinds import Meaning


class Numbers(StrEnum):
    """What the numbers of a raster are: reflectance 0..1, 8-bit camera colours, or anything else."""

    REFLECTANCE = "reflectance"
    BYTES = "bytes"
    UNCALIBRATED = "uncalibrated"


ANY = frozenset(Numbers)  # a ratio without constants: the same whatever unit all bands share
REFLECTANCE = frozenset({Numbers.REFLECTANCE})
BYTES = frozenset({Numbers.BYTES})

CLASS_NAMES = ("bare", "sparse", "moderate", "dense")

# Reflectances at the three class limits: soil with hardly a plant, a thin cover, and a canopy that begins to close.
# They give NDVI 0.1, 0.3 and 0.6, the limits of Weier & Herring (2000), "Measuring Vegetation", NASA Earth
# Observatory. No such limits are published for most other indices; theirs are their values at the same reflectances.
LIMIT_SPECTRA: tuple[Mapping[Meaning, float], ...] = (
    {Meaning.BLUE: 0.10, Meaning.GREEN: 0.13, Meaning.RED: 0.18, Meaning.RED_EDGE: 0.195, Meaning.NIR: 0.22},
    {Meaning.BLUE: 0.08, Meaning.GREEN: 0.12, Meaning.RED: 0.14, Meaning.RED_EDGE: 0.20, Meaning.NIR: 0.26},
    {Meaning.BLUE: 0.05, Meaning.GREEN: 0.12, Meaning.RED: 0.10, Meaning.RED_EDGE: 0.25, Meaning.NIR: 0.40},
)
PUBLISHED = "Weier & Herring (2000), Measuring Vegetation, NASA Earth Observatory"
DERIVED = "values at the reflectances of NDVI 0.1, 0.3 and 0.6; rough for uncalibrated cameras"


@dataclass(frozen=True, slots=True)
class Index:
    """One vegetation index.

    ``formula`` uses B, G, R, E (red edge) and N (near infrared). A value outside ``valid`` is no value. ``limits``
    are the upper ends of the classes bare, sparse and moderate (dense is above the last), ``limits_source`` says where
    they are from. Stress is measured between them: a mean at or below the first limit is full severity, one at or
    above the last is none. ``shown`` are the ends of the colour map.
    """

    name: str
    title: str
    formula: str
    accepts: frozenset[Numbers]
    valid: tuple[float, float]
    shown: tuple[float, float]
    limits: tuple[float, float, float]
    source: str
    limits_source: str = DERIVED

    @property
    def bands(self) -> tuple[Meaning, ...]:
        """The bands it needs, by wavelength."""
        return needs(self.formula)


TABLE = (
    Index(
        "ndvi",
        "Normalised difference vegetation index",
        "(N - R) / (N + R)",
        ANY,
        valid=(-1.0, 1.0),
        shown=(-0.2, 1.0),
        limits=(0.1, 0.3, 0.6),
        source="Rouse, Haas, Schell & Deering (1974), Third ERTS Symposium, NASA SP-351",
        limits_source=PUBLISHED,
    ),
    Index(
        "savi",
        "Soil adjusted vegetation index, L = 0.5",
        "1.5 * (N - R) / (N + R + 0.5)",
        REFLECTANCE,
        valid=(-1.5, 1.5),
        shown=(-0.2, 0.8),
        limits=(0.07, 0.2, 0.45),
        source="Huete (1988), Remote Sensing of Environment 25",
    ),
    Index(
        "gndvi",
        "Green normalised difference vegetation index",
        "(N - G) / (N + G)",
        ANY,
        valid=(-1.0, 1.0),
        shown=(-0.2, 1.0),
        limits=(0.26, 0.37, 0.54),
        source="Gitelson, Kaufman & Merzlyak (1996), Remote Sensing of Environment 58",
    ),
    Index(
        "ndre",
        "Normalised difference red edge index",
        "(N - E) / (N + E)",
        ANY,
        valid=(-1.0, 1.0),
        shown=(-0.1, 0.5),
        limits=(0.06, 0.13, 0.23),
        source="Barnes et al. (2000), Fifth International Conference on Precision Agriculture",
    ),
    Index(
        "osavi",
        "Optimised soil adjusted vegetation index, without the factor 1.16 that some authors add",
        "(N - R) / (N + R + 0.16)",
        REFLECTANCE,
        valid=(-1.0, 1.0),
        shown=(-0.2, 0.8),
        limits=(0.07, 0.21, 0.45),
        source="Rondeaux, Steven & Baret (1996), Remote Sensing of Environment 55",
    ),
    Index(
        "evi",
        "Enhanced vegetation index",
        "2.5 * (N - R) / (N + 6 * R - 7.5 * B + 1)",
        REFLECTANCE,
        valid=(-1.0, 1.5),  # N = 1 over a black ground gives 1.25; beyond lie roofs, glint and clouds
        shown=(-0.2, 0.8),
        limits=(0.06, 0.2, 0.46),
        source="Huete et al. (2002), Remote Sensing of Environment 83",
    ),
    Index(
        "vari",
        "Visible atmospherically resistant index",
        "(G - R) / (G + R - B)",
        ANY,
        valid=(-1.0, 1.0),
        shown=(-0.4, 0.4),
        limits=(-0.24, -0.11, 0.12),
        source="Gitelson, Kaufman, Stark & Rundquist (2002), Remote Sensing of Environment 80",
    ),
    Index(
        "exg",
        "Excess green, 2g - r - b of the chromatic coordinates r, g, b",
        "(2 * G - R - B) / (R + G + B)",
        ANY,
        valid=(-1.0, 2.0),
        shown=(-0.3, 0.6),
        limits=(-0.05, 0.06, 0.33),
        source="Woebbecke, Meyer, Von Bargen & Mortensen (1995), Transactions of the ASAE 38",
    ),
    Index(
        "gli",
        "Green leaf index",
        "(2 * G - R - B) / (2 * G + R + B)",
        ANY,
        valid=(-1.0, 1.0),
        shown=(-0.2, 0.4),
        limits=(-0.04, 0.04, 0.23),
        source="Louhaichi, Borman & Johnson (2001), Geocarto International 16",
    ),
    # Its exponents do not add up to zero, so it is only defined on the numbers it was fitted to: those of uncalibrated
    # cameras, 0..255. On chromatic coordinates neutral grey would read 0.59, which no bare soil's NDVI is.
    Index(
        "vndvi",
        "Visible NDVI, fitted to 8-bit colours over citrus, grape and sugarcane",
        "0.5268 * R ** -0.1294 * G ** 0.3389 * B ** -0.3118",
        BYTES,
        valid=(0.0, 3.5),
        shown=(0.2, 0.6),
        limits=(0.34, 0.35, 0.38),
        source="Costa, Nunes & Ampatzidis (2020), Computers and Electronics in Agriculture 172",
    ),
)
INDICES = {index.name: index for index in TABLE}


def select(wanted: Sequence[str] | None) -> tuple[Index, ...]:
    """The indices of these names (in any case, each once), all of them for None.

    Raises:
        ConfigError: ``raster.unknown_index``.
    """
    if wanted is None:
        return TABLE
    names = list(dict.fromkeys(name.strip().lower() for name in wanted))
    if unknown := [name for name in names if name not in INDICES]:
        raise ConfigError(
            "raster.unknown_index",
            f"There is no vegetation index {', '.join(unknown)}.",
            advice=f"Use some of {', '.join(INDICES)}.",
        )
    return tuple(INDICES[name] for name in names)
