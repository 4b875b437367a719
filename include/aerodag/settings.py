"""Settings: everything that differs between installations, read from ``AERODAG_*`` environment variables."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

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
            "image.black", "image.white", "image.pitch", "image.zoom_mismatch",
        }),
        description="Codes of findings that leave an image out; of the others a person is only told.",
    )  # fmt: skip
    max_pitch_deg: float = Field(default=-20.0, description="Gimbal pitch above this shows the horizon.")
    nadir_pitch_deg: float = Field(default=-80.0, description="Gimbal pitch above this is an oblique image.")
    min_sun_elevation_deg: float = 10.0

    stationary_images: int = Field(default=6, description="So many in a row within stationary_m are a burst.")
    stationary_m: float = 5.0
    flight_gap_s: float = Field(default=600.0, description="A longer pause between exposures parts two flights.")
    flight_gap_m: float = Field(default=1000.0, description="A wider step between exposures parts two flights.")
    flight_speed_m_s: float = Field(default=50.0, description="A faster step between exposures parts two flights.")
    wrong_mission_m: float = Field(default=100_000.0, description="Farther from the others is another mission.")
    outlier_m: float = Field(default=1_000.0, description="A few images farther than this from all others are strays.")
    datum_jump_m: float = Field(default=10.0, description="Step in take-off altitude between flights of one survey.")
    min_overlap: float = Field(default=0.6, description="Forward overlap below this is worth a review.")
    min_gps_share: float = Field(default=0.5, description="Share of images that must know where they are.")


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
    checks: Checks = Checks()

    max_concurrency: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    gdal_cache_mb: int = 256
    thumbnail_pixels: int = 512

    @property
    def data(self) -> Path:
        """Root of all storage classes."""
        return (self.data_root or self.home / "data").resolve()


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
