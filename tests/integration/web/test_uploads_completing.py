"""From the last chunk to the dataset, whoever is first and whoever is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger, uploads
from aerodag.errors import AerodagError, DataError
from aerodag.ledger import Description
from aerodag.storage import local_path
from cases.uploads import CHUNK, Installation, sha256, survey
from samples.hostile import CASES
from samples.rasters import save_rgba
from samples.zip_forge import flat

SAID = Description(
    licence="CC BY", platform="drone", project="Härtheim", authors=("Anna Ó", "Bo"), access="private",
    citation_doi="10.1000/182", notes="after the storm",
)  # fmt: skip


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> Installation:
    return Installation(ledger_connection, tmp_path)


def test_what_the_uploader_said_is_in_the_dataset(house: Installation) -> None:
    content = survey()
    upload = house.bring(
        content, "Flug 7 (Süd).ZIP", "anna", description=SAID, captured_on=date(2026, 6, 1), priority=4
    )
    assert (upload.state, upload.dataset_id, house.parts()) == ("complete", None, [])
    assert house.incoming() == [f"Flug_7_S_d_{upload.id.hex[:12]}.zip"]

    assert house.ingest().new == 1
    dataset = house.dataset(upload)
    assert dataset.name == "Flug_7_S_d"
    assert (dataset.owner, dataset.priority, dataset.content_sha256) == ("anna", 4, sha256(content).hex())
    assert {name: getattr(dataset, name) for name in SAID.__dataclass_fields__} == {
        name: getattr(SAID, name) for name in SAID.__dataclass_fields__
    } | {"authors": list(SAID.authors)}
    assert dataset.captured_from == datetime(2026, 6, 1, tzinfo=UTC)
    assert dataset.captured_to == datetime(2026, 6, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert dataset.captured_source == "uploader"
    assert local_path(dataset.raw_uri or "").read_bytes() == content
    assert house.incoming() == []
    (start,) = ledger.starts_due(house.conn, places=1)
    assert ledger.newest_run_of_dataset(house.conn, dataset_id=dataset.id) == start.dag_run_id
    assert start.conf == {"dataset_id": dataset.id, "priority": 4}


def test_a_geotiff_is_an_upload_too(house: Installation, tmp_path: Path) -> None:
    content = save_rgba(tmp_path / "map.tif", side=64).read_bytes()
    upload = house.bring(content, "karte.TIFF")
    house.ingest()
    assert house.dataset(upload).upload_type == "geotiff"
    assert local_path(house.dataset(upload).raw_uri or "").read_bytes() == content


def test_chunks_come_in_any_order_and_more_than_once(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content, [3, 0])
    assert house.again(upload).chunks == [0, 3]
    house.send(upload, content, [0, *reversed(range(upload.chunks_total)), 3])
    assert house.again(upload).chunks == list(range(upload.chunks_total))
    house.complete(upload)
    house.ingest()
    assert house.dataset(upload).content_sha256 == sha256(content).hex()


def test_another_content_for_a_chunk_that_is_there_is_refused(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    other = bytes(CHUNK)
    with (
        pytest.raises(DataError, match=r"upload\.chunk_differs"),
        uploads.receive_chunk(house.conn, house.storage, upload, 1, sha256(other)) as chunk,
    ):
        chunk.write(other)
    house.complete(upload)
    house.ingest()
    assert house.dataset(upload).content_sha256 == sha256(content).hex()


@pytest.mark.parametrize("sent", [b"", b"x" * (CHUNK - 1), b"x" * (CHUNK + 1), b"x" * CHUNK])
def test_a_damaged_chunk_is_not_there(house: Installation, sent: bytes) -> None:
    content = survey()
    upload = house.begin(content)
    wanted = sha256(content[CHUNK : 2 * CHUNK])

    def receive() -> None:
        with uploads.receive_chunk(house.conn, house.storage, upload, 1, wanted) as chunk:
            chunk.write(sent)
            chunk.finish(house.conn)

    with pytest.raises(DataError, match=r"upload\.(chunk_size|digest)"):
        receive()
    assert house.again(upload).chunks == []
    house.send(upload, content)
    assert house.complete(upload).state == "complete"


def test_without_all_chunks_it_is_not_complete(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content, range(1, upload.chunks_total))
    with pytest.raises(DataError, match=r"upload\.chunks_missing.*1 of"):
        house.complete(upload)
    assert (house.again(upload).state, house.incoming()) == ("open", [])


def test_an_upload_that_was_lost_on_the_disk_is_not_taken_for_whole(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    (house.storage.root / "uploads" / f"{upload.id}.part").unlink()
    with pytest.raises(DataError, match=r"upload\.gone"):
        house.complete(upload)
    with pytest.raises(DataError, match=r"upload\.gone"):
        house.send(upload, content, [0])
    uploads.discard(house.conn, house.storage, upload)
    assert house.incoming() == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.by == "inspect" and case.refused])
def test_a_bad_zip_is_refused_at_once_with_the_code_of_the_intake(house: Installation, name: str) -> None:
    content = flat(CASES[name].build())
    if not content:
        pytest.skip("an empty file is refused before")
    house = Installation(house.conn, house.root, {"uploads": house.settings.uploads.model_copy(update=LARGE_CHUNKS)})
    upload = house.begin(content)
    house.send(upload, content)
    for _ in range(2):
        with pytest.raises(DataError) as caught:
            house.complete(upload)
        assert caught.value.code == CASES[name].refused
    assert house.incoming() == []
    uploads.discard(house.conn, house.storage, upload)
    assert house.parts() == []


LARGE_CHUNKS = {"chunk_bytes": 1 << 24}


def test_a_method_that_is_not_read_comes_with_the_remedy(house: Installation) -> None:
    content = flat(CASES["method_95"].build())
    with pytest.raises(DataError, match=r"archive\.method") as caught:
        house.bring(content)
    assert "Deflate" in caught.value.advice


def test_what_is_no_tiff_is_refused_at_once(house: Installation) -> None:
    with pytest.raises(DataError, match=r"raster\.unreadable"):
        house.bring(survey(), "renamed.tif")


def test_completing_twice_gives_the_same_answer(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    first = house.complete(upload)
    assert house.complete(upload) == first
    house.ingest()
    again = house.complete(upload)
    assert again.dataset_id is not None
    assert house.complete(upload) == again
    assert house.incoming() == []
    with pytest.raises(DataError, match=r"upload\.not_open"):
        uploads.require_open(again, now=house.now)
    with pytest.raises(DataError, match=r"upload\.is_complete"):
        uploads.discard(house.conn, house.storage, upload)


def test_of_many_who_complete_at_once_one_does_it(house: Installation, database_url: str) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)

    def complete(_: int) -> ledger.Upload:
        with ledger.connect(database_url) as conn:
            return uploads.complete(conn, house.settings, house.storage, upload, now=house.now)

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(complete, range(6)))
    assert {answer.state for answer in answers} == {"complete"}
    assert len(house.incoming()) == 1
    assert house.ingest().new == 1


def test_the_same_content_again_is_the_dataset_that_is_there(house: Installation) -> None:
    content = survey()
    first = house.bring(content, description=replace(SAID, access="public"))
    house.ingest()
    second = house.bring(content, "again.zip", "bo")
    third = house.bring(survey(b"other"), "survey.zip", "bo")
    intake = house.ingest()
    assert (intake.new, intake.known) == (1, 1)
    assert house.dataset(second).id == house.dataset(first).id
    assert [house.again(upload).already_known for upload in (first, second, third)] == [False, True, False]
    assert house.dataset(first).notes == SAID.notes
    assert house.incoming() == []


def test_two_uploads_of_one_name_at_once_do_not_meet(house: Installation) -> None:
    contents = [survey(b"%d" % number) for number in range(3)]
    begun = [house.begin(content, "survey.zip") for content in contents]
    (house.storage.incoming / "survey.zip").write_bytes(survey(b"by SFTP"))
    for upload, content in zip(begun, contents, strict=True):
        house.send(upload, content, range(2))
    for upload, content in zip(begun, contents, strict=True):
        house.send(upload, content)
        house.complete(upload)
    assert house.ingest().new == 4
    assert [house.dataset(upload).content_sha256 for upload in begun] == [sha256(one).hex() for one in contents]


class Killed:
    """Does something in a process of its own that is killed after so many calls and returns in this project's code."""

    def __init__(self, database_url: str, work: Callable[[psycopg.Connection], object]) -> None:
        self.database_url = database_url
        self.work = work

    def after(self, events: int) -> bool:
        """Whether it was killed before it was done."""
        child = os.fork()
        if child == 0:
            self._be_killed(events)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def _be_killed(self, events: int) -> None:
        left = events

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal left
            if "aerodag" in frame.f_code.co_filename:  # type: ignore[attr-defined]
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            with ledger.connect(self.database_url) as conn:
                sys.setprofile(count)
                self.work(conn)
                sys.setprofile(None)
        finally:
            os._exit(0)


def cuts(killed: Callable[[int], bool], step: int) -> int:
    """Kill after ever more events until it gets through; returns how often it was killed."""
    count = 0
    while killed(count * step):
        count += 1
        assert count < 1000
    return count


def test_killed_anywhere_while_completing_the_next_call_goes_on(house: Installation, database_url: str) -> None:
    number = 0

    def attempt(events: int) -> bool:
        nonlocal number
        number += 1
        content = survey(b"%d" % number)
        upload = house.begin(content, "survey.zip", description=SAID)
        house.send(upload, content)
        killed = Killed(
            database_url, lambda conn: uploads.complete(conn, house.settings, house.storage, upload, now=house.now)
        ).after(events)
        early = house.ingest().new if number % 2 else 0  # ingest may be faster than the next call
        assert house.complete(upload).state == "complete"
        assert house.complete(upload).state == "complete"
        assert early + house.ingest().new == 1
        assert house.dataset(upload).content_sha256 == sha256(content).hex()
        assert house.dataset(upload).notes == SAID.notes
        assert (house.incoming(), house.parts()) == ([], [])
        return killed

    assert cuts(attempt, step=9) > 20


def test_killed_anywhere_while_receiving_the_chunk_can_be_sent_again(house: Installation, database_url: str) -> None:
    content = survey()
    upload = house.begin(content)
    chunk = content[:CHUNK]

    def receive(conn: psycopg.Connection) -> None:
        with uploads.receive_chunk(conn, house.storage, upload, 0, sha256(chunk)) as place:
            place.write(chunk[:500])
            place.write(chunk[500:])
            place.finish(conn)

    def attempt(events: int) -> bool:
        house.conn.execute("delete from aerodag.upload_chunk")
        path = house.storage.root / "uploads" / f"{upload.id}.part"
        with path.open("r+b") as file:
            file.write(bytes(CHUNK))
        killed = Killed(database_url, receive).after(events)
        there = house.again(upload).chunks
        assert there in ([], [0])
        assert not there or path.read_bytes()[:CHUNK] == chunk
        house.send(upload, content, [0])
        assert path.read_bytes()[:CHUNK] == chunk
        return killed

    assert cuts(attempt, step=2) > 10
    house.send(upload, content)
    house.complete(upload)
    house.ingest()
    assert house.dataset(upload).content_sha256 == sha256(content).hex()


def test_a_file_that_ingest_could_not_register_says_so(house: Installation) -> None:
    upload = house.bring(survey())
    (waiting,) = house.storage.incoming.iterdir()
    waiting.write_bytes(b"")  # the disk lost it
    assert house.ingest().refused == 1
    told = house.again(upload)
    assert (told.state, told.dataset_id) == ("complete", None)
    assert "upload.empty" in (told.refusal or "")


def test_an_error_of_the_storage_leaves_all_as_it_was(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    house.storage.incoming.rmdir()
    house.storage.incoming.write_text("a file where the folder was")
    with pytest.raises((AerodagError, OSError)):
        house.complete(upload)
    house.storage.incoming.unlink()
    house.storage.incoming.mkdir()
    assert house.complete(upload).state == "complete"
    assert len(house.incoming()) == 1
