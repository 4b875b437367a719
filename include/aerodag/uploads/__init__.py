"""Uploads in pieces: a file arrives chunk by chunk, in any order, and appears in the incoming location once whole.

What counts is in the ledger and on the disk, so that any process may go on where another was killed. A chunk is
recorded only after its bytes are on the disk and match their checksum; nothing writes to a recorded one any more.
"""

from aerodag.uploads.chunks import Chunk, receive_chunk, require_open
from aerodag.uploads.completing import complete, discard
from aerodag.uploads.digest import content_sha256
from aerodag.uploads.leftovers import remove_leftovers
from aerodag.uploads.opening import Wish, open_upload

__all__ = [
    "Chunk",
    "Wish",
    "complete",
    "content_sha256",
    "discard",
    "open_upload",
    "receive_chunk",
    "remove_leftovers",
    "require_open",
]
