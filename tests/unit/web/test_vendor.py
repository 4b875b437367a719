"""What the pages take from others: whole, licensed, and as `vendor.json` says."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from aerodag.airflow.web.vendor import PACKAGES, VENDOR

LISTED = json.loads((VENDOR / "vendor.json").read_text())
PAGES = VENDOR.parent
IMPORT = re.compile(r'^(?:import|export)\s[^"]*?from "([^"]+)";|\bimport\("([^"]+)"\)', re.MULTILINE)


@pytest.mark.parametrize("entry", LISTED, ids=lambda entry: entry["file"])
def test_a_file_is_the_one_that_npm_has(entry):
    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["integrity"].startswith("sha512-")


def test_the_list_is_the_folder_and_what_the_script_would_fetch():
    assert {path.name for path in VENDOR.iterdir()} == {entry["file"] for entry in LISTED} | {"vendor.json"}
    wanted = {
        (package.name, package.version, package.licence, file, source)
        for package in PACKAGES
        for file, source in package.files.items()
    }
    assert {(e["package"], e["version"], e["licence"], e["file"], e["source"]) for e in LISTED} == wanted


def test_each_package_brings_its_licence():
    for package in PACKAGES:
        (licence,) = [VENDOR / file for file in package.files if file == f"{package.name}.LICENSE.txt"]
        assert re.search(r"permi(t|ssion)|licen[sc]e", licence.read_text(), re.IGNORECASE)


def test_what_the_pages_import_is_there():
    """A module that is not there shows only when its view is opened."""
    for module in (PAGES / "app").rglob("*.js"):
        for static, dynamic in IMPORT.findall(module.read_text()):
            assert (module.parent / (static or dynamic)).is_file(), f"{module.name} imports {static or dynamic}"
    shell = (PAGES / "index.html").read_text()
    for part in re.findall(r'(?:src|href)="static/([^"]+)"', shell):
        assert (PAGES / part).is_file()
    assert re.findall(r'(?:src|href)="(?!static/)', shell) == []
