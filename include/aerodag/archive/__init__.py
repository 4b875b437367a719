"""ZIP intake: what is in it, is it safe, is it whole, and onto the disk under names that cannot collide.

Everything hostile is refused from the central directory, before one byte touches the disk; the sizes and checksums it
claims are enforced while streaming. Only stored and deflated entries are read: the other methods of Python's zipfile
expand without a bound.
"""

from aerodag.archive.inventory import Entry, Ignored, Inventory, inspect
from aerodag.archive.names import engine_names
from aerodag.archive.safety import Limits
from aerodag.archive.streaming import extract, open_entry, verify

__all__ = [
    "Entry",
    "Ignored",
    "Inventory",
    "Limits",
    "engine_names",
    "extract",
    "inspect",
    "open_entry",
    "verify",
]
