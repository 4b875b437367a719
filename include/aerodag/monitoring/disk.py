"""How full a disk is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DiskFigures:
    """Bytes of a disk; ``free_bytes`` for this user."""

    total_bytes: int
    used_bytes: int
    free_bytes: int

    @property
    def used_ratio(self) -> float:
        """0 to 1; what the file system keeps for root counts as neither."""
        return self.used_bytes / max(self.used_bytes + self.free_bytes, 1)


def read_disk(folder: Path) -> DiskFigures | None:
    """The disk that ``folder`` lies on; None where the folder is not there or its disk does not answer."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskFigures(usage.total, usage.used, usage.free)
