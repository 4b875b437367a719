"""Which images take part: policy, and the person who overrules it."""

from __future__ import annotations

from aerodag.findings import Finding, Severity
from aerodag.pipeline.examination.judgement import Choice, Policy, reasons

PATHS = ["a/DJI_0001.JPG", "a/DJI_0002.JPG", "b/DJI_0001.JPG", "b/odd[1].JPG"]


def found(code: str, path: str | None) -> Finding:
    return Finding(Severity.WARNING, code, "Found.", image=path)


def test_the_first_rejecting_finding_names_the_status() -> None:
    policy = Policy(frozenset({"image.pitch", "image.duplicate", "image.no_position"}))
    findings = [
        *(found("image.blurred", PATHS[0]), found("image.duplicate", PATHS[1]), found("image.pitch", PATHS[1])),
        *(found("image.no_position", PATHS[2]), found("image.pitch", PATHS[3]), found("image.pitch", None)),
    ]
    assert policy.left_out(findings) == {PATHS[1]: "duplicate", PATHS[2]: "invalid_exif", PATHS[3]: "rejected"}
    assert reasons(findings)[PATHS[1]] == ("image.duplicate", "image.pitch")


def test_an_installation_may_reject_what_only_warns_by_default() -> None:
    strict = Policy(frozenset({"image.blurred"}))
    assert strict.left_out([found("image.blurred", PATHS[0]), found("image.pitch", PATHS[1])]) == {PATHS[0]: "rejected"}


def test_a_person_overrules_the_checks_but_not_what_cannot_be_read() -> None:
    policy = Policy(frozenset({"image.pitch", "image.truncated"}), Choice(include=["a/*"]))
    findings = [found("image.pitch", PATHS[0]), found("image.truncated", PATHS[1]), found("image.pitch", PATHS[2])]
    assert policy.left_out(findings, unusable={PATHS[1]}) == {PATHS[1]: "rejected", PATHS[2]: "rejected"}


def test_exclusion_is_stronger_than_inclusion() -> None:
    choice = Choice(include=["*"], exclude=["DJI_0001.JPG", "b/odd[1].JPG"])
    findings = choice.findings(PATHS)
    assert {finding.image for finding in findings} == {PATHS[0], PATHS[2], PATHS[3]}
    assert set(Policy(frozenset(), choice).left_out(findings)) == {PATHS[0], PATHS[2], PATHS[3]}


def test_a_pattern_that_fits_nothing_is_told() -> None:
    (finding,) = Choice(include=["c/*.JPG", "a/*"]).findings(PATHS)
    assert (finding.code, finding.numbers) == ("imagery.pattern_without_image", {"pattern": "c/*.JPG"})
