"""From findings to a status per image: the one place where it is decided which images take part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from aerodag.findings import Finding, Severity

EXCLUDED = "image.excluded"

# What an image that is left out is called; "rejected" where the code is not named here.
STATUS_OF_CODE = {
    "image.no_position": "invalid_exif",
    "image.duplicate": "duplicate",
    "image.other_sensor": "unmatched",
    "imagery.incomplete_capture": "unmatched",
    "image.wrong_mission": "unmatched",
    "image.position_outlier": "unmatched",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Images a person asked for or against, as paths inside the ZIP, base names or patterns of either."""

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def included(self, zip_path: str) -> bool:
        """Whether a person asked for this image."""
        return _any_fits(self.include, zip_path)

    def excluded(self, zip_path: str) -> bool:
        """Whether a person does not want this image; stronger than the wish for it."""
        return _any_fits(self.exclude, zip_path)

    def findings(self, zip_paths: Collection[str]) -> list[Finding]:
        """One for each image left out by hand, and one for each pattern that fits no image."""
        left_out = [
            Finding(
                Severity.INFO,
                EXCLUDED,
                f"{path} is left out by hand.",
                "Start the run without it in exclude_images to use it.",
                image=path,
            )
            for path in zip_paths
            if self.excluded(path)
        ]
        useless = [
            Finding(
                Severity.WARNING,
                "imagery.pattern_without_image",
                f"The pattern {pattern!r} fits no image of the upload.",
                "Give paths as they are in the ZIP; * stands for anything.",
                numbers={"pattern": pattern},
            )
            for pattern in (*self.include, *self.exclude)
            if not any(_fits(pattern, path) for path in zip_paths)
        ]
        return left_out + useless


@dataclass(frozen=True, slots=True)
class Policy:
    """Codes that leave an image out, and the choice of a person, which overrules them."""

    rejecting: frozenset[str]
    choice: Choice = Choice()

    def left_out(self, findings: Iterable[Finding], unusable: Collection[str] = ()) -> dict[str, str]:
        """Status of every image that does not take part, by path.

        ``unusable`` images cannot be read: even a person cannot want them.
        """
        statuses: dict[str, str] = {}
        for finding in findings:
            if finding.image is not None and self._leaves_out(finding.code, finding.image, unusable):
                statuses.setdefault(finding.image, STATUS_OF_CODE.get(finding.code, "rejected"))
        return statuses

    def _leaves_out(self, code: str, path: str, unusable: Collection[str]) -> bool:
        if code == EXCLUDED:
            return True
        return code in self.rejecting and (path in unusable or not self.choice.included(path))


def reasons(findings: Iterable[Finding]) -> Mapping[str, tuple[str, ...]]:
    """The codes found about each image, each once, in the order they were found."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        if finding.image is not None:
            found[finding.image][finding.code] = None
    return {path: tuple(codes) for path, codes in found.items()}


def _any_fits(patterns: Sequence[str], zip_path: str) -> bool:
    return any(_fits(pattern, zip_path) for pattern in patterns)


def _fits(pattern: str, zip_path: str) -> bool:
    # An equal name comes first: [ and * are legal in the names of files.
    name = PurePosixPath(zip_path).name
    return pattern in {zip_path, name} or fnmatchcase(zip_path, pattern) or fnmatchcase(name, pattern)
