"""What OpenDroneMap shall do with a survey on a host: everything but the places of files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from aerodag.errors import Retry
from aerodag.photogrammetry.odm.planning.options import Value
from aerodag.photogrammetry.odm.planning.positions import Positions

GpuMode = Literal["auto", "required", "off"]
Flavour = Literal["odm", "odx"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The container image: ``reference`` as set, ``digest`` and ``version`` as far as known."""

    reference: str
    digest: str | None = None
    flavour: Flavour = "odm"
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """Whether a GPU was asked for and is granted; ``devices`` as the probe describes them, the first one counts."""

    mode: GpuMode = "auto"
    granted: bool = False
    devices: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change after a failure; ``text`` says what changed."""

    kind: Retry
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OdmPlan:
    """Everything that decides the engine's run; goes through JSON by `dump` and `load` unchanged.

    ``options`` are final but for those that follow from other fields: threads, GPU, accuracy and boundary. ``boundary``
    is GeoJSON in WGS84 degrees. Memory in bytes, ``cpus`` in cores. ``sanitise_images`` asks for copies without maker
    notes. ``host`` names the machine that does the work.
    """

    image: Image
    preset: str
    options: dict[str, Value]
    memory_bytes: int
    cpus: float
    max_concurrency: int
    gpu: Gpu
    positions: Positions
    boundary: str | None = None
    sanitise_images: bool = False
    remedies: tuple[Remedy, ...] = ()
    note: str = ""
    host: str = ""

    @property
    def orthophoto_resolution_cm(self) -> float:
        """The pixel size that ODM is asked for; it makes it no finer than the images."""
        return float(self.options["orthophoto-resolution"])


PLAN = TypeAdapter(OdmPlan)


def dump(plan: OdmPlan) -> dict[str, Any]:
    """The plan as a JSON object."""
    dumped: dict[str, Any] = PLAN.dump_python(plan, mode="json")
    return dumped


def load(content: Mapping[str, Any]) -> OdmPlan:
    """The plan of a JSON object that `dump` made."""
    return PLAN.validate_python(content)
