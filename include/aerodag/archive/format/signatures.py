"""What a file is by its first bytes."""

from __future__ import annotations

from pathlib import PurePosixPath

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_IMAGES = {
    **dict.fromkeys((".jpg", ".jpeg"), (b"\xff\xd8\xff",)),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    **dict.fromkeys((".tif", ".tiff", ".dng"), _TIFF),
}
_ARCHIVES = {
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x1f\x8b\x08": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "XZ",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_TAR_OFFSET, _TAR = 257, b"ustar"


def is_wrong_type(path: str, head: bytes) -> bool:
    """Does an image begin with other bytes than its suffix says; False for anything but images."""
    expected = _IMAGES.get(PurePosixPath(path).suffix.lower())
    return expected is not None and not head.startswith(expected)


def archive_kind(head: bytes) -> str | None:
    """Type of an archive by its first 512 bytes, None where it is none."""
    if head[_TAR_OFFSET:].startswith(_TAR):
        return "tar"
    return next((kind for magic, kind in _ARCHIVES.items() if head.startswith(magic)), None)
