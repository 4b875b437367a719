"""What is said of an image before it runs."""

from __future__ import annotations

import pytest

from aerodag.findings import Severity
from aerodag.photogrammetry.odm.planning.versions import (
    Circumstances,
    release,
    supports_boundary,
    version_of,
    warnings,
)

PINNED = "opendronemap/odm@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("opendronemap/odm:3.5.6", "3.5.6"),
        ("registry.local:5000/odm:3.6.1", "3.6.1"),
        ("registry.local:5000/odm", None),
        ("opendronemap/odm:gpu", None),
        ("opendronemap/odm", None),
        (PINNED, None),
        ("opendronemap/odm:3.6.0@sha256:" + "a" * 64, "3.6.0"),
    ],
)
def test_a_tag_may_name_the_version(image: str, version: str | None) -> None:
    assert version_of(image) == version


def test_releases_compare_as_numbers() -> None:
    assert release("v3.10.0") == (3, 10, 0)
    assert release("3.10.0") > release("3.9.9")  # type: ignore[operator]
    assert release("latest") is release("") is release(None) is release("7") is None


@pytest.mark.parametrize(
    ("version", "flavour", "supported"),
    [
        ("3.5.4", "odm", True), ("3.6.0", "odm", False), ("3.6.1", "odm", False), ("3.6.2", "odm", True),
        (None, "odm", False), ("gpu", "odm", False), ("3.7.1", "odx", False), ("3.8.0", "odx", True),
    ],
)  # fmt: skip
def test_where_a_boundary_is_safe(version: str | None, flavour: str, supported: bool) -> None:
    assert supports_boundary(version, flavour) is supported


@pytest.mark.parametrize(
    ("version", "flavour", "circumstances", "expected"),
    [
        ("3.5.6", "odm", Circumstances(cameras=frozenset({"M3E"})), set()),
        ("3.6.0", "odm", Circumstances(), {"odm.report", "odm.crop"}),
        ("3.6.0", "odm", Circumstances(options={"skip-report": True, "crop": 0}), set()),
        ("3.6.0", "odm", Circumstances(options={"orthophoto-cutline": True, "skip-report": True, "crop": 0}),
         {"odm.cutline"}),
        ("3.6.1", "odm", Circumstances(cameras=frozenset({"M3M", "FC6310"})), {"odm.maker_notes"}),
        ("3.6.1", "odm", Circumstances(cameras=frozenset({"FC6310"})), set()),
        ("3.8.0", "odx", Circumstances(has_rtk=True), {"odm.rtk_nadir"}),
        ("3.8.0", "odx", Circumstances(), set()),
        ("3.8.0", "odm", Circumstances(has_rtk=True), set()),
        (None, "odm", Circumstances(), {"odm.version_unknown"}),
    ],
)  # fmt: skip
def test_defects_are_named_where_they_matter(version, flavour, circumstances, expected) -> None:
    findings = warnings(version, PINNED, flavour, circumstances)
    assert {finding.code for finding in findings} == expected
    assert all(finding.message.endswith(".") and finding.advice for finding in findings)


@pytest.mark.parametrize(
    ("image", "severity"), [("opendronemap/odm:gpu", Severity.WARNING), ("opendronemap/odm:3.5.6", Severity.INFO)]
)
def test_a_tag_is_not_a_digest(image: str, severity: Severity) -> None:
    first = warnings("3.5.6", image, "odm", Circumstances())[0]
    assert (first.code, first.severity) == ("odm.image_unpinned", severity)
