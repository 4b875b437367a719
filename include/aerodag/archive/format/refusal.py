"""The errors of this room, each built in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aerodag.errors import DataError

SHOWN = 20


def hostile(code: str, name: str, what: str, advice: str = "Pack only the images and upload again.") -> DataError:
    """A refusal of one entry."""
    return DataError(f"archive.{code}", f"Entry {name!r} {what}.", advice=advice, numbers={"entry": name})


def unreadable(
    what: str,
    advice: str = "Was the upload complete? Pack the images as a plain ZIP and upload it again.",
    **numbers: Any,
) -> DataError:
    """The file as a whole is no ZIP that can be read."""
    return DataError("archive.unreadable", f"The upload is no readable ZIP: {what}.", advice=advice, numbers=numbers)


def damaged(paths: Sequence[str], reason: str = "") -> DataError:
    """The error that names the damaged entries, the first twenty of them."""
    shown = ", ".join(paths[:SHOWN])
    return DataError(
        "archive.damaged",
        f"{len(paths)} entries of the ZIP are damaged: {shown}{f' ({reason})' if reason else ''}.",
        advice="The upload or the ZIP is corrupt; pack the images from the card and upload again.",
        numbers={"entries": list(paths[:SHOWN]), "count": len(paths)},
    )
