"""Settings: everything that differs between installations, read from ``AERODAG_*`` environment variables."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).parents[2]


class Checks(BaseModel):
    """Thresholds of the image and survey checks; each is ``AERODAG_CHECKS__<NAME>`` in the environment.

    Degrees, metres and seconds; grey values are 0..255. Origin: the classification of hotosm/drone-tm, whose false
    positives (blur over water, flight tails) are why those checks warn and do not reject.
    """

    model_config = ConfigDict(frozen=True)

    rejecting: frozenset[str] = Field(
        default=frozenset({
            "image.unreadable", "image.truncated", "image.damaged", "image.wrong_type",
            "image.no_position", "image.position_outlier", "image.wrong_mission", "image.other_sensor",
            "imagery.incomplete_capture", "image.duplicate", "image.black", "image.white", "image.pitch",
            "image.zoom_mismatch",
        }),
        description="Codes of findings that leave an image out unless include_images names it; the others only tell.",
    )  # fmt: skip
    max_pitch_deg: float = Field(default=-20.0, description="Gimbal pitch above this shows the horizon.")
    nadir_pitch_deg: float = Field(default=-80.0, description="Gimbal pitch above this is an oblique image.")
    blurred_below: dict[int, float] = Field(
        default={1: 100.0, 2: 400.0, 4: 1200.0, 8: 1800.0},
        description="Sharpness under this is blur, by decoding scale; 100 at full size, the others agree with it.",
    )
    black_mean: float = Field(default=40.0, description="Mean grey of a black picture is at most this.")
    white_mean: float = Field(default=215.0, description="Mean grey of a white picture is at least this.")
    flat_std: float = Field(default=15.0, description="Grey values of a black or white picture deviate no more.")
    flat_share: float = Field(default=0.9, description="Or so many pixels are under 20 or over 235,")
    flat_spread: float = Field(default=25.0, description="with 5th and 95th percentile no farther apart than this.")
    min_sun_elevation_deg: float = 10.0

    stationary_images: int = Field(default=6, description="So many in a row within stationary_m are a burst.")
    stationary_m: float = 5.0
    flight_gap_s: float = Field(default=600.0, description="A longer pause between exposures parts two flights.")
    flight_gap_m: float = Field(default=1000.0, description="A wider step between exposures parts two flights.")
    flight_speed_m_s: float = Field(default=50.0, description="A faster step between exposures parts two flights.")
    wrong_mission_m: float = Field(default=100_000.0, description="Farther from the others is another mission.")
    outlier_m: float = Field(default=1_000.0, description="A few images farther than this from all others are strays.")
    datum_jump_m: float = Field(default=10.0, description="Step in take-off altitude between flights of one survey.")
    mark_distance_m: float = Field(default=1.0, description="Exposure mark and RTK position of one image agree so far.")
    mark_distance_gps_m: float = Field(default=5.0, description="The same for a plain GPS position, shift apart.")
    mark_shift_m: float = Field(default=10.0, description="Greatest common shift of plain GPS positions from marks.")
    mark_time_s: float = Field(default=5.0, description="Exposure mark and camera clock agree so far, zone apart.")
    mark_disagreeing: float = Field(default=0.05, description="Share of disagreeing joins that refuses a mark file.")
    min_overlap: float = Field(default=0.6, description="Forward overlap below this is worth a review.")
    min_gps_share: float = Field(default=0.5, description="Share of images that must know where they are.")
    outlier_share: float = Field(default=0.05, description="At most so many images at a place of their own are strays.")
    frozen_images: int = Field(default=10, description="So many in a row with equal coordinates: the GPS stood still.")
    flight_tails: bool = Field(default=True, description="Look for pictures of the way to the survey and back.")
    front_gap_ratio: float = Field(default=1.5, description="A step so many times the usual one is a gap in a line.")
    front_gaps: int = Field(default=3, description="More gaps than this along the lines are worth a review.")
    altitude_outlier_m: float = Field(default=100.0, description="Farther from its flight's median altitude is odd.")
    height_ratio: float = Field(default=2.0, description="Flights that differ more in height or GSD hardly match.")
    min_side_overlap: float = Field(default=0.4, description="Side overlap below this is worth a review.")
    min_views: int = Field(default=3, description="Ground seen by fewer images inside the survey is a gap.")
    gap_footprints: float = Field(default=0.05, description="Smaller gaps, as shares of one footprint, are not told.")
    sparse_images: int = Field(default=5, description="So few images or fewer hardly make a map.")

    reviewing: frozenset[str] = Field(
        default=frozenset({
            "survey.low_overlap", "survey.gap", "survey.disjoint", "survey.scattered", "survey.sparse",
            "survey.datum_jump", "survey.mixed_heights", "survey.positions_missing", "survey.position_frozen",
            "image.same_exposure", "imagery.other_sensor", "rtk.mrk_disagrees", "rtk.mrk_ambiguous",
        }),
        description="Codes of warnings that make the pre-flight verdict a review; errors do so anyway.",
    )  # fmt: skip
    max_rejected_share: float = Field(default=0.2, description="More images left out than this is worth a review.")
    max_gap_share: float = Field(default=0.05, description="More of the area in gaps than this is worth a review.")
    min_rtk_fix_ratio: float = Field(default=0.9, description="Fewer fixed positions where RTK was flown is a doubt.")
    max_hours: float = Field(default=16.0, description="A longer predicted run comes near the 24 h of the engine.")


class Odm(BaseModel):
    """OpenDroneMap in containers; each is ``AERODAG_ODM__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    image: str = Field(default="opendronemap/odm:3.5.6", description="Better by digest: NAME@sha256:...")
    gpu_image: str | None = Field(default=None, description="Used where a GPU is granted; image when not given.")
    flavour: Literal["odm", "odx"] = Field(default="odm", description="odx for WebODM's fork.")
    pull: Literal["missing", "never"] = "missing"
    docker_url: str = Field(
        default_factory=lambda: os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
        description="unix://, tcp:// or ssh://USER@HOST; the connection aerodag_docker comes before it.",
    )
    ca_cert: Path | None = Field(default=None, description="The daemon's certificate authority, for TLS.")
    client_cert: Path | None = None
    client_key: Path | None = None
    user: str | None = Field(default=None, description="UID:GID inside the container; the worker's own by default.")
    read_only_root: bool | None = Field(default=None, description="As the flavour allows when not given.")
    memory_bytes: int | None = Field(default=None, description="memory_share of the Docker host's when not given.")
    memory_share: float = Field(default=0.8, gt=0, le=1)
    cpus: float | None = Field(default=None, description="Cores; all of the Docker host's when not given.")
    pids: int = 16384
    gdal_cache_mb: int = 2048
    models: Path | None = Field(default=None, description="Folder with ODM's AI models, for hosts without internet.")
    gpu_access: Literal["device_requests", "nvidia"] = Field(
        default="device_requests", description="nvidia: the runtime of that name, where --gpus does not work."
    )
    gpu_devices: tuple[str, ...] = Field(default=("all",), description="Device ids that containers may use.")
    hours: float = Field(default=24.0, gt=0, description="The most that one attempt may take, over all retries.")
    stop_seconds: int = Field(default=30, description="Time to end politely.")
    poll_seconds: float = Field(default=5.0, gt=0, description="How often a running container is looked at.")
    quiet_hours: float = Field(default=6.0, description="Without a line of output for so long, it hangs.")
    quiet_stage_hours: dict[str, float] = Field(
        default={"dataset": 1.0, "odm_report": 0.5, "odm_postprocess": 1.0}, description="The same for single stages."
    )
    disk_soft_bytes: int = Field(default=20 * 1024**3, description="Less free space than this is warned of.")
    disk_hard_bytes: int = Field(default=3 * 1024**3, description="Less than this stops the engine cleanly.")
    gps_accuracy_m: float = Field(default=3.0, description="Given to ODM where no accuracy is known at all.")

    def memory_on(self, host_bytes: int) -> int:
        """Bytes that a container gets on a Docker host with ``host_bytes`` of memory."""
        return self.memory_bytes or int(host_bytes * self.memory_share)

    def cpus_on(self, host_cpus: int) -> float:
        """Cores that a container gets on a Docker host with ``host_cpus``."""
        return self.cpus or float(host_cpus)


class NodeOdm(BaseModel):
    """A NodeODM or ClusterODM server; each is ``AERODAG_NODEODM__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    url: str | None = Field(default=None, description="http://HOST:3000; the connection aerodag_nodeodm comes first.")
    token: str = ""
    parallel_uploads: int = 4


class Layer(BaseModel):
    """One extra layer that the metadata step looks up at the footprint's centroid.

    ``path`` is a vector or raster file; ``field`` the attribute to keep (vector); ``rule`` how to look it up.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    path: Path
    field: str | None = None
    rule: Literal["containing", "nearest", "value", "curve"] = "containing"
    max_distance_m: float = Field(default=10_000.0, description="nearest and curve: farther away is not told.")


class Products(BaseModel):
    """What is made of an orthophoto; each is ``AERODAG_PRODUCTS__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    cogs: tuple[Literal["web", "archive"], ...] = Field(
        default=("web", "archive"), description="web: light and lossy, for maps; archive: lossless, with all values."
    )
    archive_compress: Literal["ZSTD", "DEFLATE"] = "ZSTD"
    web_compress: Literal["JPEG", "WEBP"] = "JPEG"
    web_quality: int = Field(default=85, ge=1, le=100)
    web_grid: Literal["native", "web_mercator"] = Field(
        default="native", description="web_mercator: reprojected to the tile grid of web maps, EPSG:3857."
    )
    thumbnail_sizes: tuple[int, ...] = Field(default=(512, 256), min_length=1, description="Longer side, pixels.")
    thumbnail_formats: tuple[Literal["webp", "jpeg"], ...] = Field(default=("webp", "jpeg"), min_length=1)
    base_url: str | None = Field(
        default=None, description="Where the data root is served; links of STAC items are relative when not given."
    )
    collection: str = Field(default="aerodag", description="Id of this installation's STAC collection.")
    collection_title: str = "Drone orthophotos"
    layers: tuple[Layer, ...] = Field(default=(), description="Extra layers of the metadata step.")


class Settings(BaseSettings):
    """One installation. Sizes in bytes, times in seconds, unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="AERODAG_", env_nested_delimiter="__", frozen=True)

    home: Path = PROJECT_ROOT / ".aerodag"
    data_root: Path | None = Field(default=None, description="Where datasets live; HOME/data when not given.")
    database_url: str | None = Field(default=None, description="Ledger; the embedded server when not given.")
    port: int = Field(default=8080, description="Preferred port of the UI and API of the embedded set-up.")

    settle_seconds: float = Field(default=5.0, description="A ZIP is complete when unchanged for so long.")
    poll_seconds: float = Field(default=1.0, description="How often the incoming folder is looked at.")
    max_active_runs: int = Field(
        default=4, description="Runs that ingest keeps in flight; the rest wait in the ledger."
    )

    max_entries: int = 50_000
    max_entry_bytes: int = 2 * 1024**3
    max_total_bytes: int = 500 * 1024**3
    max_ratio: float = 200.0
    min_images: int = 3
    max_damaged_share: float = Field(default=0.1, description="More damaged images than this refuse the whole ZIP.")
    checks: Checks = Checks()
    odm: Odm = Field(default_factory=Odm)
    nodeodm: NodeOdm = Field(default_factory=NodeOdm)
    products: Products = Products()

    retry_seconds: float = Field(default=60.0, gt=0, description="Before disk, network or engine are tried again.")
    max_concurrency: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    gdal_cache_mb: int = 256

    @property
    def data(self) -> Path:
        """Root of all storage classes."""
        return (self.data_root or self.home / "data").resolve()

    @property
    def installation(self) -> str:
        """Parts installations that share a Docker engine or a node: each has a data root of its own."""
        return str(self.data)


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
