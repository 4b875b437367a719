"""How much memory a process holds."""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path

from aerodag.errors import ResourceError


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where /proc does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


def peak_resident_bytes() -> int:
    """Highest resident memory of this process so far.

    Linux hands getrusage's figure on through fork and exec, so a child of a large process would report its parent's
    size; VmHWM belongs to this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory_error(message: str) -> ResourceError:
    """The one error for too little memory."""
    return ResourceError(
        "engine.memory", message, advice="Use the fast preset, fewer threads or a machine with more memory."
    )
