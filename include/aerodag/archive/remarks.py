"""What a person is told about a ZIP that is accepted: what was left out and what was odd."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aerodag.archive.format.directory import Directory, Record
from aerodag.archive.format.paths import collision_key
from aerodag.archive.format.refusal import SHOWN
from aerodag.archive.kinds import Reason, is_image_name
from aerodag.findings import Finding, Severity

_NAMED = 3
_LARGE = 10 << 20
_ALWAYS_WORTH_A_LOOK = frozenset({Reason.NESTED_ARCHIVE, Reason.EARLIER_OUTPUT, Reason.UNSUPPORTED_IMAGE})
_HARMLESS = frozenset({Reason.MACOS_METADATA, Reason.THUMBNAIL})

_ABOUT: dict[Reason, tuple[str, str]] = {
    Reason.MACOS_METADATA: ("metadata that macOS adds", ""),
    Reason.HIDDEN: ("hidden files", "Rename what is wanted, so that no name begins with a dot."),
    Reason.SYSTEM_FILE: ("files of the operating system", ""),
    Reason.EMPTY: ("empty files", "Copy them from the card again if they should hold something."),
    Reason.EARLIER_OUTPUT: (
        "outputs of earlier processing",
        "If they are original images, rename their folder or the files and upload again.",
    ),
    Reason.THUMBNAIL: ("thumbnails", "If they are original images, rename their folder and upload again."),
    Reason.VIDEO: ("videos and their telemetry", "Only still images are used."),
    Reason.UNSUPPORTED_IMAGE: (
        "images of a type that is not read",
        "Convert them to JPEG or TIFF with their metadata.",
    ),
    Reason.NESTED_ARCHIVE: ("archives inside the ZIP", "Unpack them and pack their images into one ZIP."),
    Reason.UNKNOWN_TYPE: (
        "files of other types",
        "Nothing needs to be done, unless they are images: convert them to JPEG or TIFF.",
    ),
}


@dataclass(frozen=True, slots=True)
class Ignored:
    """One file left out and why; ``size`` in bytes as the directory claims it."""

    path: str
    reason: Reason
    size: int


def about_ignored(ignored: Iterable[Ignored]) -> Iterator[Finding]:
    """One finding for each kind of thing left out, ``archive.<reason>``."""
    groups: dict[Reason, list[Ignored]] = defaultdict(list)
    for item in ignored:
        groups[item.reason].append(item)
    for reason, items in sorted(groups.items()):
        what, advice = _ABOUT[reason]
        images, size = sum(is_image_name(item.path) for item in items), sum(item.size for item in items)
        paths = [item.path for item in items]
        among = f", {images} of them images by name," if images else ""
        yield Finding(
            _severity(reason, images, size),
            f"archive.{reason}",
            f"Left out as {what}: {len(items)} files{among} with {size / 1e6:.1f} MB: {_first(paths)}.",
            advice,
            numbers={"count": len(items), "images": images, "bytes": size, "entries": paths[:SHOWN]},
        )


def _severity(reason: Reason, images: int, size: int) -> Severity:
    doubtful = reason in _ALWAYS_WORTH_A_LOOK or (reason == Reason.UNKNOWN_TYPE and size > _LARGE)
    lost = images > 0 and reason not in _HARMLESS
    return Severity.WARNING if doubtful or lost else Severity.INFO


def about_names(used: Sequence[Record]) -> Iterator[Finding]:
    """Names that collide, that hold backslashes, or whose encoding was guessed."""
    groups: dict[str, list[str]] = defaultdict(list)
    for record in used:
        groups[collision_key(record.path)].append(record.path)
    colliding = [path for paths in groups.values() if len(paths) > 1 for path in paths]
    if colliding:
        yield _remark(
            Severity.WARNING,
            "name_collision",
            colliding,
            "differ only in capitals or in the form of letters; they are kept apart under names of their own",
            "Many programs overwrite one by the other; give them different names.",
        )
    if slashed := [record.path for record in used if "\\" in record.name]:
        yield _remark(Severity.INFO, "backslashes", slashed, "part their folders by backslashes; taken for slashes")
    if guessed := [record.path for record in used if record.guessed]:
        yield _remark(
            Severity.INFO,
            "name_encoding",
            guessed,
            "have names in an unknown encoding, shown as code page 437",
            "Lists that name images by other letters cannot match these.",
        )


def about_container(directory: Directory) -> Iterator[Finding]:
    """Bytes before the ZIP, as self-extracting archives have them."""
    if directory.prefix:
        yield Finding(
            Severity.INFO,
            "archive.prefixed",
            f"{directory.prefix} bytes precede the ZIP, as in a self-extracting archive; they are not looked at.",
            numbers={"bytes": directory.prefix},
        )


def _remark(severity: Severity, code: str, paths: list[str], what: str, advice: str = "") -> Finding:
    numbers = {"count": len(paths), "entries": paths[:SHOWN]}
    return Finding(severity, f"archive.{code}", f"{len(paths)} files {what}: {_first(paths)}.", advice, numbers=numbers)


def _first(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return f"{', '.join(map(repr, paths[:_NAMED]))}{more}"
