"""Fetches what the pages take from npm and writes it, with where it comes from, to ``pages/vendor``.

``python -m aerodag.airflow.web.vendor`` after a version in ``PACKAGES`` was changed; npm is needed for that alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

VENDOR: Final = Path(__file__).parent / "pages" / "vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of npm; ``files`` maps our names to paths in it, one of which is its licence."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendoredFile:
    """One line of ``vendor.json``; ``integrity`` is npm's, of the whole package."""

    file: str
    sha256: str
    package: str
    version: str
    licence: str
    source: str
    integrity: str


PACKAGES: Final = (
    Package(
        name="htm",
        version="3.1.1",
        licence="Apache-2.0",
        files={"preact-htm.js": "preact/standalone.module.js", "htm.LICENSE.txt": "LICENSE"},
    ),
    # Its code is in htm's file.
    Package(name="preact", version="10.5.15", licence="MIT", files={"preact.LICENSE.txt": "LICENSE"}),
    Package(
        name="maplibre-gl",
        version="6.17.0",
        licence="BSD-3-Clause",
        files={
            "maplibre-gl.mjs": "dist/maplibre-gl.mjs",
            "maplibre-gl-worker.mjs": "dist/maplibre-gl-worker.mjs",
            "maplibre-gl.css": "dist/maplibre-gl.css",
            "maplibre-gl.LICENSE.txt": "LICENSE.txt",
        },
    ),
    # Made of Natural Earth's borders, which are in the public domain.
    Package(
        name="world-atlas",
        version="2.0.2",
        licence="ISC",
        files={"countries-50m.json": "countries-50m.json", "world-atlas.LICENSE.txt": "LICENSE"},
    ),
)


def fetch(package: Package, folder: Path) -> list[VendoredFile]:
    """Copy the package's files to ``VENDOR``; ``folder`` takes the download.

    Raises:
        subprocess.CalledProcessError: npm does not give it.
        ValueError: what npm gave is not what it says it is.
    """
    command = ["npm", "pack", f"{package.name}@{package.version}", "--json", "--pack-destination", str(folder)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    entry = told[0] if isinstance(told, list) else next(iter(told.values()))
    archive = folder / entry["filename"]
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity != entry["integrity"]:
        raise ValueError(f"{archive.name} has {integrity}, npm says {entry['integrity']}")
    fetched = []
    with tarfile.open(archive) as bundle:
        for name, source in package.files.items():
            member = bundle.extractfile(f"package/{source}")
            if member is None:
                raise ValueError(f"{archive.name} has no file {source}")
            content = member.read()
            (VENDOR / name).write_bytes(content)
            fetched.append(
                VendoredFile(
                    file=name,
                    sha256=hashlib.sha256(content).hexdigest(),
                    package=package.name,
                    version=package.version,
                    licence=package.licence,
                    source=source,
                    integrity=integrity,
                )
            )
    return fetched


def main() -> int:
    """Fetch all, drop what is no longer listed, write ``vendor.json``."""
    VENDOR.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        files = [file for package in PACKAGES for file in fetch(package, Path(folder))]
    kept = {file.file for file in files} | {"vendor.json"}
    for stale in [path for path in VENDOR.iterdir() if path.name not in kept]:
        stale.unlink()
    (VENDOR / "vendor.json").write_text(json.dumps([asdict(file) for file in files], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
