"""How much may be uploaded, by whom, and for how long."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger, uploads
from aerodag.errors import AerodagError, DataError, InfrastructureError
from aerodag.pipeline.housekeeping.round import Round
from aerodag.pipeline.housekeeping.sweeping import sweep
from aerodag.settings import Settings, Uploads
from aerodag.storage import Storage
from cases.housekeeping import NOWHERE, KnownRuns
from cases.uploads import CHUNK, Installation, survey


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> Installation:
    return Installation(ledger_connection, tmp_path)


def bounded(house: Installation, **bounds: int) -> Installation:
    """The same installation with other limits."""
    given = Uploads(**({"chunk_bytes": CHUNK, "keep_free_bytes": 0} | bounds))
    return Installation(house.conn, house.root, {"uploads": given}, house.now)


def wish(house: Installation, name: str, size: int, owner: str = "anna") -> ledger.Upload:
    return uploads.open_upload(
        house.conn, house.settings, house.storage, uploads.Wish(name, size, owner), now=house.now
    )


def test_each_kind_has_its_size_limit(house: Installation) -> None:
    defaults = Uploads()
    assert (defaults.max_zip_bytes, defaults.max_geotiff_bytes, defaults.chunk_bytes) == (
        30 * 10**9,
        20 * 10**9,
        1 << 24,
    )
    house = bounded(house, max_zip_bytes=3000, max_geotiff_bytes=2000)
    for name, limit in [("a.zip", 3000), ("a.tif", 2000), ("a.TIFF", 2000)]:
        assert wish(house, name, limit).size_bytes == limit
        with pytest.raises(DataError, match=r"upload\.too_large"):
            wish(house, name, limit + 1)
    with pytest.raises(DataError, match=r"upload\.empty"):
        wish(house, "a.zip", 0)
    assert len(house.parts()) == 3


def test_one_user_has_so_many_at_a_time_also_when_he_asks_at_once(house: Installation, database_url: str) -> None:
    house = bounded(house, max_open=5)

    def ask(number: int) -> bool:
        with ledger.connect(database_url) as conn:
            try:
                uploads.open_upload(
                    conn, house.settings, house.storage, uploads.Wish(f"{number}.zip", 100, "anna"), now=house.now
                )
            except DataError as error:
                return error.code != "upload.too_many"
        return True

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(ask, range(16))) == 5
    assert len(house.parts()) == 5
    assert wish(house, "other.zip", 100, "bo").owner == "bo"
    uploads.discard(house.conn, house.storage, ledger.list_open_uploads(house.conn, owner="anna", now=house.now)[0])
    assert wish(house, "again.zip", 100).owner == "anna"


def test_everybody_sees_his_own(house: Installation) -> None:
    mine, his = wish(house, "mine.zip", 100), wish(house, "his.zip", 100, "bo")
    listed = {
        owner: ledger.list_open_uploads(house.conn, owner=owner, now=house.now) for owner in ("anna", "bo", "eve")
    }
    assert listed == {"anna": [mine], "bo": [his], "eve": []}


@pytest.fixture
def small_disk(house: Installation) -> Iterator[Installation]:
    """A data root of 2 MB."""
    root = house.root / "disk"
    root.mkdir()
    command = ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(root)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this user may not mount a file system: {mounted.stderr.strip()}")
    yield Installation(house.conn, root, house.given, house.now)
    subprocess.run(["/usr/bin/env", "umount", "--lazy", str(root)], check=False)


def test_without_room_nothing_is_begun(small_disk: Installation) -> None:
    free = shutil.disk_usage(small_disk.root).free
    with pytest.raises(InfrastructureError, match=r"upload\.no_room"):
        wish(small_disk, "large.zip", free + 1)
    first = wish(small_disk, "half.zip", free // 2)
    with pytest.raises(InfrastructureError, match=r"upload\.no_room"):
        wish(small_disk, "other.zip", free // 2 + 100_000)  # the first one has still to come
    assert small_disk.parts() == [f"{first.id}.part"]
    small_disk.send(first, bytes(free // 2), range(100))
    assert wish(small_disk, "rest.zip", free // 2 - 100_000).state == "open"
    keeping = small_disk.settings.uploads.model_copy(update={"keep_free_bytes": free})
    careful = Installation(small_disk.conn, small_disk.root, {"uploads": keeping}, small_disk.now)
    with pytest.raises(InfrastructureError, match=r"upload\.no_room"):
        wish(careful, "small.zip", 1)


def test_a_disk_that_fills_up_meanwhile_is_told_and_room_cures_it(small_disk: Installation) -> None:
    content = survey(os.urandom(300_000))
    upload = small_disk.begin(content)
    ballast = small_disk.root / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(small_disk.root).free - 20 * CHUNK))
    with pytest.raises(InfrastructureError, match=r"storage\.disk_full"):
        small_disk.send(upload, content)
    there = small_disk.again(upload).chunks
    assert 0 < len(there) < upload.chunks_total
    ballast.unlink()
    small_disk.send(upload, content, [index for index in range(upload.chunks_total) if index not in there])
    small_disk.complete(upload)
    assert small_disk.ingest().new == 1


def swept(house: Installation, **later: float) -> dict[str, dict[str, int]]:
    house.now += timedelta(**later)
    settings = house.settings.model_copy(update={"odm": NOWHERE})
    return sweep(Round(house.conn, settings, house.storage, KnownRuns(), settings.data / "logs", house.now))


def events(house: Installation, kind: str) -> list[str]:
    rows = house.conn.execute("select message from aerodag.event where kind = %s order by id", [kind]).fetchall()
    return [row[0] for row in rows]


def test_what_nobody_finishes_goes_after_a_week_and_is_told(house: Installation) -> None:
    content = survey()
    forgotten, done = house.begin(content, "forgotten.zip"), house.bring(survey(b"done"))
    house.send(forgotten, content, [0, 1])
    assert swept(house, days=6.9)["uploads"] == {"expired": 0}
    assert house.again(forgotten).chunks == [0, 1]
    fresh = house.begin(content, "fresh.zip", "bo")
    house.now += timedelta(days=0.2)
    with pytest.raises(DataError, match=r"upload\.not_open"):
        uploads.require_open(house.again(forgotten), now=house.now)
    with pytest.raises(DataError, match=r"upload\.not_open"):
        house.complete(forgotten)
    assert ledger.list_open_uploads(house.conn, owner="anna", now=house.now) == []
    assert swept(house)["uploads"] == {"expired": 1}
    assert (house.again(forgotten).state, house.again(forgotten).chunks) == ("expired", [])
    assert house.parts() == [f"{fresh.id}.part"]
    assert swept(house)["uploads"] == {"expired": 0}
    (message,) = events(house, "upload.expired")
    assert message.startswith("The upload of forgotten.zip by anna was not finished in 7 days")
    assert house.again(done).state == "complete"
    assert house.ingest().new == 1
    uploads.discard(house.conn, house.storage, forgotten)
    with pytest.raises(DataError, match=r"upload\.unknown"):
        house.again(forgotten)


def test_what_is_being_completed_does_not_expire(house: Installation, database_url: str) -> None:
    upload = house.begin(survey())
    with ledger.connect(database_url) as other, ledger.upload_lock(other, upload_id=upload.id) as alone:
        assert alone
        assert swept(house, days=8)["uploads"] == {"expired": 0}
    assert swept(house)["uploads"] == {"expired": 1}


def test_parts_of_no_upload_go_and_others_stay(house: Installation) -> None:
    upload = house.begin(survey())
    folder = house.storage.root / "uploads"
    left = folder / "00000000-0000-4000-8000-000000000000.part"
    note = folder / "README"
    for path in (left, note):
        path.write_bytes(b"x")
    swept(house)
    assert left.exists()  # its upload may be about to be recorded
    long_ago = (house.now - timedelta(hours=2)).timestamp()
    for path in (left, note, folder / f"{upload.id}.part"):
        os.utime(path, (long_ago, long_ago))
    swept(house)
    assert house.parts() == sorted([note.name, f"{upload.id}.part"])


def test_a_file_that_was_handed_over_by_a_killed_process_is_never_lost(house: Installation) -> None:
    """Killed between the move and the record, and nobody asked again for a week."""
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    target = house.storage.incoming / "survey_handed.zip"
    ledger.upload_publishing(house.conn, upload_id=upload.id, source_uri=target.as_uri())
    (house.storage.root / "uploads" / f"{upload.id}.part").rename(target)
    with pytest.raises(DataError, match=r"upload\.is_complete"):
        uploads.discard(house.conn, house.storage, upload)
    swept(house, days=8)
    assert house.ingest().new == 1
    assert house.again(upload).state == "complete"
    assert house.dataset(upload).owner == "anna"


def test_readers_of_the_ledger_see_no_uploads(house: Installation, url_of_new_login) -> None:
    upload = house.begin(survey())
    with ledger.connect(url_of_new_login("anna", "aerodag_reader")) as reader:
        for query in ("select * from aerodag.upload", "select * from aerodag.upload_chunk"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(query)
    assert house.again(upload).owner == "anna"


def test_where_the_data_root_cannot_be_written_a_person_is_told(ledger_connection, tmp_path: Path) -> None:
    settings = Settings(data_root=tmp_path / "data", uploads=Uploads(keep_free_bytes=0))
    (tmp_path / "data").write_text("a file where the data root should be")
    with pytest.raises(AerodagError, match=r"storage\."):
        uploads.open_upload(
            ledger_connection, settings, Storage.of(settings), uploads.Wish("a.zip", 10, "anna"),
            now=datetime.now(UTC),
        )  # fmt: skip
