"""What an entry is good for, told from its path and size alone."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dng"})
RTK_SUFFIXES = frozenset({".mrk", ".rtk", ".rtl", ".rtb", ".rpos", ".rts", ".imu", ".obs", ".nav", ".bin"})
_RINEX = re.compile(r"\.\d\d[onpg]$")  # RINEX 2 names: 14601736.18o
_CONTROL_FILES = {"gcp_list.txt": "gcp", "gcp.txt": "gcp", "geo.txt": "geo"}
_VIDEO_SUFFIXES = frozenset({
    ".mp4", ".mov", ".lrv", ".lrf", ".ts", ".avi", ".mkv", ".m4v", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".webm",
    ".3gp", ".insv", ".360", ".srt",
})  # fmt: skip
_OTHER_IMAGE_SUFFIXES = frozenset({
    ".heic", ".heif", ".nef", ".cr2", ".cr3", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw", ".gpr", ".raw", ".insp",
    ".bmp", ".gif", ".webp", ".jxl", ".jp2",
})  # fmt: skip
_ARCHIVE_SUFFIXES = frozenset({
    ".zip", ".zipx", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".lzma", ".z",
    ".iso", ".cab", ".jar",
})  # fmt: skip
_ARCHIVE_PART = re.compile(r"\.(z\d\d|r\d\d|(zip|7z|rar)\.\d{3})$")
_SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini"})
_SYSTEM_FOLDERS = frozenset({"$recycle.bin", "system volume information"})
_THUMBNAIL_FOLDERS = frozenset({"thumbs", "thumbnails"})
_THUMBNAIL = re.compile(r"^thumb(nail)?_|_thumb(nail)?\.[a-z]+$|\.thm$")
# The folders that OpenDroneMap writes, each by its full name: somebody's own folder may well be called odm_survey.
_OUTPUT_FOLDERS = frozenset({
    "odm_filterpoints", "odm_meshing", "odm_25dmeshing", "odm_texturing", "odm_texturing_25d", "odm_georeferencing",
    "odm_dem", "odm_orthophoto", "odm_report", "opensfm", "openmvs", "mve", "entwine_pointcloud", "orthophoto_tiles",
    "dsm_tiles", "dtm_tiles", "3d_tiles", "submodels",
})  # fmt: skip
_OUTPUT_FILE = re.compile(
    r"^odm_orthophoto.*\.(tiff?|png|jpe?g)$"
    r"|^(.*[-_. ])?(ortho|orthophoto|orthomosaic|mosaic_group\d+|dem|dsm|dtm|cog)(\.original|\.euclideand)?\.tiff?$"
    r"|^map_screenshot\.png$"
)


class Use(StrEnum):
    """What an entry is used as."""

    IMAGE = "image"
    RTK = "rtk"
    GCP = "gcp"
    GEO = "geo"


class Reason(StrEnum):
    """Why an entry is left out."""

    MACOS_METADATA = "macos_metadata"
    HIDDEN = "hidden"
    SYSTEM_FILE = "system_file"
    EMPTY = "empty"
    EARLIER_OUTPUT = "earlier_output"
    THUMBNAIL = "thumbnail"
    VIDEO = "video"
    UNSUPPORTED_IMAGE = "unsupported_image"
    NESTED_ARCHIVE = "nested_archive"
    UNKNOWN_TYPE = "unknown_type"


def is_image_name(path: str) -> bool:
    """Has the name the suffix of an image that would be used."""
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES


def classify(path: str, size: int) -> Use | Reason:
    """What a file of ``size`` bytes is used as, or why it is left out."""
    name = PurePosixPath(path.lower())
    return _junk(name) or (Reason.EMPTY if size == 0 else None) or _derived(name) or _by_type(name)


def _junk(name: PurePosixPath) -> Reason | None:
    if "__macosx" in name.parts or name.name.startswith("._") or name.name == "icon\r":
        return Reason.MACOS_METADATA
    if any(part.startswith(".") for part in name.parts):
        return Reason.HIDDEN
    if name.name in _SYSTEM_FILES or not _SYSTEM_FOLDERS.isdisjoint(name.parts):
        return Reason.SYSTEM_FILE
    return None


def _derived(name: PurePosixPath) -> Reason | None:
    folders = name.parts[:-1]
    if not _THUMBNAIL_FOLDERS.isdisjoint(folders) or _THUMBNAIL.search(name.name):
        return Reason.THUMBNAIL
    if not _OUTPUT_FOLDERS.isdisjoint(folders) or _in_output_root(name.parts) or _OUTPUT_FILE.match(name.name):
        return Reason.EARLIER_OUTPUT
    return None


def _in_output_root(parts: tuple[str, ...]) -> bool:
    """Below a folder ``odm``, which holds outputs; ``odm/images`` is the input of a project of that name."""
    return any(folder == "odm" and following != "images" for folder, following in pairwise(parts))


def _by_type(name: PurePosixPath) -> Use | Reason:
    suffix = name.suffix
    if suffix in IMAGE_SUFFIXES:
        return Use.IMAGE
    if suffix in RTK_SUFFIXES or _RINEX.search(name.name):
        return Use.RTK
    if name.name in _CONTROL_FILES:
        return Use(_CONTROL_FILES[name.name])
    if suffix in _VIDEO_SUFFIXES:
        return Reason.VIDEO
    if suffix in _OTHER_IMAGE_SUFFIXES:
        return Reason.UNSUPPORTED_IMAGE
    if suffix in _ARCHIVE_SUFFIXES or _ARCHIVE_PART.search(name.name):
        return Reason.NESTED_ARCHIVE
    return Reason.UNKNOWN_TYPE
