"""What one upload has brought to the node so far, on disk, so that another process can go on with it."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Literal

Event = Literal["upload", "begun", "unsent", "kept"]


class Journal:
    """Append-only lines ``[event, name]`` of one upload; safe between threads.

    A node gives a file that comes a second time a second name, and keeps the part of one that was cut. So a file that
    was begun and not acknowledged may not simply be sent again: it is *doubtful*.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.uuid: str | None = None
        self._begun: set[str] = set()
        self._kept: set[str] = set()
        self._read()

    @property
    def begun(self) -> frozenset[str]:
        """Files that may have reached the node, whole or in part."""
        return frozenset(self._begun)

    @property
    def kept(self) -> frozenset[str]:
        """Files that the node has acknowledged."""
        return frozenset(self._kept)

    @property
    def doubtful(self) -> list[str]:
        """Files of which nobody knows how much has arrived."""
        return sorted(self._begun - self._kept)

    def note(self, event: Event, name: str) -> None:
        """Write it down before anything else happens."""
        with self._lock:
            with self.path.open("a", encoding="utf-8") as out:
                out.write(json.dumps([event, name]) + "\n")
            self._apply(event, name)

    def forget(self) -> None:
        """Begin with nothing."""
        with self._lock:
            self.path.unlink(missing_ok=True)
            self.uuid = None
            self._begun.clear()
            self._kept.clear()

    def _read(self) -> None:
        if not self.path.is_file():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                event, name = json.loads(line)
            except ValueError:
                # The last line of a process that was killed while it wrote.
                continue
            self._apply(event, name)

    def _apply(self, event: Event, name: str) -> None:
        if event == "upload":
            self.uuid = name
        elif event == "begun":
            self._begun.add(name)
        elif event == "unsent":
            self._begun.discard(name)
        else:
            self._kept.add(name)
