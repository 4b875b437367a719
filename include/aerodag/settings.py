"""Settings: everything that differs between installations, read from ``AERODAG_*`` environment variables."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).parents[2]


class Settings(BaseSettings):
    """One installation. Sizes in bytes, times in seconds, unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="AERODAG_", frozen=True)

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
