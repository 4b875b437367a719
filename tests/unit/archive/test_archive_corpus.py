"""Every ZIP of the corpus: its fate, the memory it takes, and what it writes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from aerodag.archive import Limits, Reader, engine_names, extract, inspect, verify
from aerodag.errors import AerodagError, DataError
from aerodag.settings import Settings
from samples.hostile import CASES, CORPUS, Case
from samples.zip_forge import flat

LIMITS = Limits.of(Settings())
SEVEN_ZIP = shutil.which("7z")
MOST_MEMORY = 40 << 20
WHOLE = [name for name, case in CASES.items() if not case.refused]
# Kinds that 7-Zip and unzip refuse or read otherwise than they are meant.
NOT_FOR_OTHERS = {
    "finder_above_4_gib",
    "comment_like_an_end",
    "one_damaged",
    "damaged_sidecar",
    "one_bomb_behind_header",
}


def through(path: Path, target: Path) -> tuple[int, int, int, set[str]]:
    inventory = inspect(path, LIMITS)
    verified = verify(path, inventory, LIMITS)
    sound = [entry for entry in inventory.images if entry.path in verified.digests]
    digests = extract(path, engine_names(sound), target, LIMITS)
    assert digests == {entry.path: verified.digests[entry.path] for entry in sound}
    assert len(list(target.iterdir())) == len(sound)
    codes = {finding.code for finding in inventory.findings}
    return len(inventory.images), len(verified.damaged), len(verified.wrong_type), codes


@pytest.mark.parametrize("name", CORPUS)
def test_every_kind_meets_its_fate(name: str, tmp_path: Path) -> None:
    case: Case = CASES[name]
    path, target = CORPUS[name](tmp_path), tmp_path / "target"
    tracemalloc.start()
    try:
        if case.refused:
            with pytest.raises(DataError) as caught:
                through(path, target)
        else:
            assert through(path, target) == (case.images, case.damaged, case.wrong_type, case.findings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    if case.refused:
        assert (caught.value.code, bool(caught.value.advice)) == (case.refused, True)
        assert not target.exists()
    assert {file.name for file in tmp_path.iterdir()} <= {path.name, "target"}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.by == "inspect" and case.refused])
def test_a_refusal_names_the_entry_or_its_numbers(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        inspect(CORPUS[name](tmp_path), LIMITS)
    assert caught.value.numbers or CASES[name].refused in {"archive.empty", "archive.unreadable"}
    if "entry" in caught.value.numbers:
        assert repr(caught.value.numbers["entry"]) in caught.value.message


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refused])
def test_extraction_is_safe_without_inspection(name: str, tmp_path: Path) -> None:
    path, target = CORPUS[name](tmp_path), tmp_path / "target"
    with suppress(AerodagError):
        with Reader(path, LIMITS) as reader:
            records = [record for record in reader.directory.records if record.size < 1 << 30][:50]
        extract(path, {record.path: f"{index}.bin" for index, record in enumerate(records)}, target, LIMITS)
    assert {file.name for file in tmp_path.iterdir()} <= {path.name, "target"}
    assert all(file.is_file() and not file.is_symlink() for file in target.glob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_bombs_take_little_memory_of_the_process(tmp_path: Path) -> None:
    """What C libraries take is not traced, so this looks at the process as a whole."""
    bombs = [CORPUS[name](tmp_path) for name in CORPUS if "bomb" in name]
    assert len(bombs) > 6
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from aerodag.archive import Limits, Reader\n"
        "from aerodag.errors import DataError\n"
        "from aerodag.settings import Settings\n"
        "limits = Limits.of(Settings())\n"
        "def peak():\n"
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"
        "    return int(next(line for line in lines if line.startswith('VmHWM')).split()[1])\n"
        "before = peak()\n"
        "for path in map(Path, sys.argv[1:]):\n"
        "    with Reader(path, limits) as reader:\n"
        "        for record in reader.directory.records:\n"
        "            try:\n"
        "                for block in reader.blocks(record.path): pass\n"
        "            except DataError: pass\n"
        "print(peak() - before)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, *map(str, bombs)], check=True, capture_output=True, text=True
    ).stdout
    assert int(printed) * 1024 < MOST_MEMORY


@pytest.mark.skipif(SEVEN_ZIP is None, reason="7z is not installed")
@pytest.mark.parametrize("name", sorted(set(WHOLE) - NOT_FOR_OTHERS))
def test_seven_zip_agrees_about_the_accepted_ones(name: str, tmp_path: Path) -> None:
    path = CORPUS[name](tmp_path)
    listed = subprocess.run(
        [str(SEVEN_ZIP), "l", "-tzip", "-slt", "-ba", path], check=False, capture_output=True
    ).stdout
    theirs = sorted(
        (fields["Size"], fields["CRC"])
        for block in listed.decode("latin-1").split("\n\n")
        if "CRC" in (fields := dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line))
    )
    with Reader(path, LIMITS) as reader:
        ours = [(str(record.size), f"{record.crc:08X}") for record in reader.directory.records if record.size]
    assert [item for item in theirs if item[0] != "0" and item[1]] == sorted(ours)


def test_the_corpus_is_written_as_it_is_stated(tmp_path: Path) -> None:
    for name in ("stored", "zip64"):
        assert CORPUS[name](tmp_path).read_bytes() == flat(CASES[name].build())
