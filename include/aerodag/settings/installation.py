"""One installation: everything that differs between two, read from ``AERODAG_*`` environment variables."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from aerodag import __version__
from aerodag.settings.checks import Checks
from aerodag.settings.engines import NodeOdm, Odm
from aerodag.settings.operations import Disk, Housekeeping, Mail, Reprocessing, Review, Webhooks
from aerodag.settings.products import Products
from aerodag.settings.storage import S3Account, SftpServer, StorageRoots
from aerodag.settings.uploads import Uploads

PROJECT_ROOT = Path(__file__).parents[3]


class Settings(BaseSettings):
    """One installation. Sizes in bytes, times in seconds, unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="AERODAG_", env_nested_delimiter="__", frozen=True)

    home: Path = PROJECT_ROOT / ".aerodag"
    data_root: Path | None = Field(default=None, description="Where datasets live; HOME/data when not given.")
    name: str | None = Field(default=None, description="The same on all hosts; the data root's path when not given.")
    database_url: str | None = Field(default=None, description="Ledger; the embedded server when not given.")
    port: int = Field(default=8080, description="Preferred port of the UI and API of the embedded set-up.")

    pipeline_version: str = Field(default=__version__, description="What made a product; a build may name its own.")

    settle_seconds: float = Field(default=5.0, description="A ZIP is complete when unchanged for so long.")
    poll_seconds: float = Field(default=1.0, description="How often the incoming folder is looked at.")
    remote_poll_seconds: float = Field(default=15.0, description="The same where it lies on another machine.")
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

    storage: StorageRoots = StorageRoots()
    sftp: dict[str, SftpServer] = Field(default={}, description="SFTP servers by name.")
    s3: dict[str, S3Account] = Field(default={}, description="S3 accounts by name.")
    review: Review = Review()
    disk: Disk = Disk()
    housekeeping: Housekeeping = Housekeeping()
    reprocessing: Reprocessing = Reprocessing()
    mail: Mail = Mail()
    webhooks: Webhooks = Webhooks()
    uploads: Uploads = Uploads()

    pods: dict[str, dict[str, Any]] = Field(
        default={}, description="By queue, what the pods of Airflow's KubernetesExecutor have beside their template."
    )
    retry_seconds: float = Field(default=60.0, gt=0, description="Before disk, network or engine are tried again.")
    max_concurrency: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    gdal_cache_mb: int = 256

    @property
    def data(self) -> Path:
        """Root of all storage classes."""
        return (self.data_root or self.home / "data").resolve()

    @property
    def installation(self) -> str:
        """Parts installations that share a Docker engine or a node: each has a name or a data root of its own."""
        return self.name or str(self.data)


@cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
