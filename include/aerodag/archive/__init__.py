"""ZIP intake: what is in it, is it safe, is it whole, and onto the disk under names that cannot collide.

Everything hostile is refused from the central directory, before one byte touches the disk; the sizes and checksums it
claims are enforced while streaming, in bounded memory. Read are the methods stored, Deflate, Deflate64, bzip2 and LZMA.
"""

from aerodag.archive.extraction import extract
from aerodag.archive.format.limits import Limits
from aerodag.archive.format.reader import Reader
from aerodag.archive.inventory import Entry, Inventory, inspect
from aerodag.archive.names import engine_names
from aerodag.archive.remarks import Ignored
from aerodag.archive.verification import Verified, verify

__all__ = [
    "Entry",
    "Ignored",
    "Inventory",
    "Limits",
    "Reader",
    "Verified",
    "engine_names",
    "extract",
    "inspect",
    "verify",
]
