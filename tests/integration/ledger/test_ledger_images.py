"""Images, products, journal and notifications of the ledger."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

import aerodag
from aerodag import ledger
from aerodag.errors import ConfigError
from aerodag.ledger.database import SQL_DIR, query_files

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def conn(ledger_connection: psycopg.Connection) -> psycopg.Connection:
    return ledger_connection


@pytest.fixture
def dataset_id(conn: psycopg.Connection) -> int:
    dataset = ledger.register(
        conn,
        name="flight.zip",
        owner="anna",
        source_uri="file:///incoming/flight.zip",
        content_sha256="0" * 64,
        size_bytes=5_400_000_000_000,
        upload_type="raw_images_zip",
    ).dataset
    ledger.move_raw(conn, dataset_id=dataset.id, raw_uri="file:///raw_images/1.zip")
    return dataset.id


def open_run(conn: psycopg.Connection, dataset_id: int, dag_run_id: str = "manual_1") -> int:
    return ledger.open_run(
        conn,
        dataset_id=dataset_id,
        dag_run_id=dag_run_id,
        task_types=["odm_processing"],
        preset="fast",
        engine="auto",
        options={},
        priority=2,
    ).id


def image(number: int, **changes: object) -> ledger.ImageRecord:
    given: dict[str, object] = {
        "zip_path": f"100MEDIA/DJI_{number:05}.JPG",
        "engine_name": f"100MEDIA_DJI_{number:05}.JPG",
        "sha256": f"{number:064x}",
        "size_bytes": 8_000_000,
        "width": 4000,
        "height": 3000,
        "make": "DJI",
        "model": "FC6310R",
        "serial": "0K3",
        "lens": None,
        "focal_mm": 8.8,
        "band": None,
        "captured_at": NOON + timedelta(seconds=number),
        "captured_source": "exif.offset",
        "longitude": 13.4,
        "latitude": 52.5,
        "altitude": 134.5,
        "position_source": "xmp",
        "relative_altitude": 100.0,
        "yaw": 12.5,
        "pitch": -90.0,
        "roll": 0.0,
        "rtk_flag": 50,
        "std_e_m": 0.012,
        "std_n_m": 0.016,
        "std_u_m": 0.03,
        "status": "assigned",
        "exif": {"ISOSpeedRatings": 100, "MakerNote": "x" * 500},
    }
    return ledger.ImageRecord(**(given | changes))  # type: ignore[arg-type]


def test_images_come_back_as_they_went(conn: psycopg.Connection, dataset_id: int) -> None:
    first = image(1, reasons=["quality.blurred"], exposure={"mean": 118.5})
    bare = ledger.ImageRecord(zip_path="b.jpg", status="invalid_exif", reasons=["exif.unreadable"])
    for images in ([image(7), image(8)], [bare, first]):
        ledger.replace_images(conn, dataset_id=dataset_id, images=images)
    assert ledger.list_images(conn, dataset_id=dataset_id) == [
        first,
        ledger.ImageRecord(zip_path="b.jpg", status="invalid_exif", reasons=["exif.unreadable"]),
    ]
    assert ledger.assigned_images(conn, dataset_id=dataset_id) == [first]


def test_a_bad_image_replaces_nothing(conn: psycopg.Connection, dataset_id: int) -> None:
    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(1)])
    with pytest.raises(errors.UniqueViolation):
        ledger.replace_images(conn, dataset_id=dataset_id, images=[image(2), image(3), image(3)])
    assert ledger.list_images(conn, dataset_id=dataset_id) == [image(1, reasons=[])]
    with pytest.raises(ConfigError, match="no dataset 404"):
        ledger.replace_images(conn, dataset_id=404, images=[image(1)])


def test_what_cameras_write_and_postgres_refuses(conn: psycopg.Connection, dataset_id: int) -> None:
    odd = image(1, make="DJI\x00\x00", exif={"bad": float("nan"), "nul\x00": "a\x00b", "when": NOON, "list": (1, 2.5)})
    ledger.replace_images(conn, dataset_id=dataset_id, images=[odd])
    (stored,) = ledger.list_images(conn, dataset_id=dataset_id)
    assert stored.make == "DJI"
    assert stored.exif == {"bad": None, "nul": "ab", "when": NOON.isoformat(), "list": [1, 2.5]}


def test_verdicts_and_registration(conn: psycopg.Connection, dataset_id: int) -> None:
    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(number, status="staged") for number in range(5)])
    verdicts = [
        ledger.Verdict(image(0).zip_path, "rejected", ["quality.blurred", "overlap.low"], 3.5, {"mean": 12.0}),
        ledger.Verdict(image(1).zip_path, "duplicate", ["image.duplicate"], duplicate_of=image(2).zip_path),
        ledger.Verdict(image(2).zip_path, "assigned", sharpness=80.25),
        ledger.Verdict(image(3).zip_path, "assigned"),
        ledger.Verdict("not in the ZIP.jpg", "assigned"),
    ]
    assert ledger.judge_images(conn, dataset_id=dataset_id, verdicts=verdicts) == 4
    assert ledger.judge_images(conn, dataset_id=dataset_id, verdicts=[]) == 0
    assert (
        ledger.mark_registered(conn, dataset_id=dataset_id, engine_names=[image(3).engine_name or "", "other.jpg"]) == 2
    )
    found = ledger.list_images(conn, dataset_id=dataset_id)
    assert [(entry.status, list(entry.reasons), entry.sharpness, entry.registered) for entry in found] == [
        ("rejected", ["quality.blurred", "overlap.low"], 3.5, None),
        ("duplicate", ["image.duplicate"], None, None),
        ("assigned", [], 80.25, False),
        ("assigned", [], None, True),
        ("staged", [], None, None),
    ]
    assert found[0].exposure == {"mean": 12.0}
    assert found[1].duplicate_of == image(2).zip_path


def test_an_image_of_an_earlier_upload_is_known(conn: psycopg.Connection, dataset_id: int) -> None:
    def upload(name: str, owner: str, access: str, *images: ledger.ImageRecord) -> int:
        registered = ledger.register(
            conn,
            name=name,
            owner=owner,
            source_uri=f"file:///incoming/{name}",
            content_sha256=f"{len(name):064x}",
            size_bytes=9,
            upload_type="raw_images_zip",
        ).dataset.id
        conn.execute("update aerodag.dataset set access = %s where id = %s", [access, registered])
        ledger.replace_images(conn, dataset_id=registered, images=images)
        return registered

    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(1), image(2)])
    secret = upload("s.zip", "bert", "private", image(1), image(3))
    later = upload("later.zip", "anna", "public", image(2), image(3), image(4), image(5, sha256=None))
    assert ledger.images_known_elsewhere(conn, dataset_id=dataset_id) == [], "the first upload doubles nobody"
    known = ledger.images_known_elsewhere(conn, dataset_id=later)
    assert [(entry.zip_path, entry.known_dataset_id, entry.known_dataset) for entry in known] == [
        (image(2).zip_path, dataset_id, "flight.zip")
    ], "what is private to another owner is not told"
    assert [entry.zip_path for entry in ledger.images_known_elsewhere(conn, dataset_id=secret)] == [image(1).zip_path]

    (verdict,) = [
        ledger.Verdict(image(2).zip_path, "assigned", duplicate_of="x", duplicate_of_dataset=secret, flight=2)
    ]
    ledger.judge_images(conn, dataset_id=later, verdicts=[verdict])
    found = ledger.list_images(conn, dataset_id=later)[0]
    assert (found.duplicate_of, found.duplicate_of_dataset, found.flight) == ("x", secret, 2)


def test_ten_thousand_images(conn: psycopg.Connection, dataset_id: int) -> None:
    images = [image(number, status="staged") for number in range(10_000)]
    started = time.process_time()
    ledger.replace_images(conn, dataset_id=dataset_id, images=images)
    inserted = time.process_time()
    verdicts = [ledger.Verdict(entry.zip_path, "assigned", sharpness=50.0) for entry in images]
    assert ledger.judge_images(conn, dataset_id=dataset_id, verdicts=verdicts) == 10_000
    names = [entry.engine_name or "" for entry in images[:9_000]]
    assert ledger.mark_registered(conn, dataset_id=dataset_id, engine_names=names) == 10_000
    judged = time.process_time()
    assert inserted - started < 6, f"{inserted - started:.1f} CPU seconds"
    assert judged - inserted < 3, f"{judged - inserted:.1f} CPU seconds"
    registered = conn.execute("select count(*) from aerodag.image where registered").fetchone()
    assert registered == (9_000,)


def test_raw_images_of_the_contract(conn: psycopg.Connection, dataset_id: int) -> None:
    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(number) for number in range(3)])
    files = [
        ledger.RtkFile(
            zip_path="a.MRK", kind="mrk", size_bytes=10, sha256="d" * 64, records=3, matched=3, details={"flight": 1}
        ),
        ledger.RtkFile(zip_path="a.obs", kind="obs", size_bytes=10),
    ]
    for _ in range(2):
        ledger.replace_rtk_files(conn, dataset_id=dataset_id, files=files)
    assert ledger.list_rtk_files(conn, dataset_id=dataset_id) == files
    row = conn.execute(
        "select raw_image_count, raw_image_size_mb, raw_images_path, camera_metadata -> 'ISOSpeedRatings', "
        "has_rtk_data, rtk_precision_cm, rtk_quality_indicator, rtk_file_count, version "
        "from v2_raw_images where dataset_id = %s",
        [dataset_id],
    ).fetchone()
    assert row is not None
    assert [float(value) if number == 5 else value for number, value in enumerate(row)] == [
        *(3, 5_400_000, "file:///raw_images/1.zip", 100, True, 1.6, 50, 2, 1),
    ]


def test_unread_rtk_stays_unknown_and_poor_rtk_does_not_overflow(conn: psycopg.Connection, dataset_id: int) -> None:
    def precision() -> object:
        row = conn.execute("select rtk_precision_cm, has_rtk_data from v2_raw_images").fetchone()
        assert row
        return row

    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(1, rtk_flag=None, std_e_m=None, std_n_m=None)])
    assert precision() == (None, False)
    # numeric(4,2) would end at 99.99 cm; a receiver without a fix says tens of metres.
    ledger.replace_images(conn, dataset_id=dataset_id, images=[image(1, rtk_flag=16, std_e_m=3e4, std_n_m=4e4)])
    assert precision() == (4_000_000, False), "a single point solution is no RTK"


def test_stages_follow_each_other(conn: psycopg.Connection, dataset_id: int) -> None:
    run_id = open_run(conn, dataset_id)
    assert ledger.current_stage(conn, run_id=run_id) is None
    ledger.record_stage(conn, run_id=run_id, stage="dataset", percent=1, started_at=NOON)
    later = NOON + timedelta(minutes=5)
    for percent in (10, 20, 15):
        ledger.record_stage(conn, run_id=run_id, stage="opensfm", percent=percent, started_at=later)
    ledger.record_stage(conn, run_id=run_id, stage="dataset", percent=2, started_at=NOON)
    assert ledger.current_stage(conn, run_id=run_id) == ledger.EngineStage(
        run_id=run_id, stage="opensfm", percent=20, started_at=later, finished_at=None
    )
    again = later + timedelta(minutes=5)
    ledger.record_stage(conn, run_id=run_id, stage="dataset", percent=0, started_at=again)
    rows = conn.execute(
        "select stage, percent, started_at, finished_at from aerodag.engine_stage order by 1"
    ).fetchall()
    assert rows == [("dataset", 0, again, None), ("opensfm", 20, later, again)]


def test_an_artifact_and_its_row_of_the_contract(conn: psycopg.Connection, dataset_id: int) -> None:
    first = open_run(conn, dataset_id)
    for size in (1, 3_000_000_000_000):
        artifact = ledger.record_artifact(
            conn,
            run_id=first,
            kind="cog",
            uri="file:///cogs/7f/1_cog.tif",
            bytes=size,
            sha256="a" * 64,
            crs="EPSG:32633",
            bbox=(13.0, 52.0, 13.1, 52.1),
            footprint={"type": "Polygon", "coordinates": []},
            gsd_m=0.025,
            details={"overviews": [2, 4, 8]},
        )
    assert (artifact.dataset_id, artifact.bbox, artifact.is_current) == (dataset_id, [13.0, 52.0, 13.1, 52.1], True)
    key = {"dag_run_id": "manual_1", "name": "cog", "map_index": -1, "try_number": 1}
    ledger.step_finished(
        conn,
        **key,  # type: ignore[arg-type]
        host="w",
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=90),
        state="succeeded",
        failure=None,
    )
    query = (
        "select cog_file_size, cog_file_name, cog_path, version, cog_info -> 'overviews' -> 0, cog_processing_runtime "
        "from v2_cogs where dataset_id = %s"
    )
    assert conn.execute(query, [dataset_id]).fetchall() == [
        (3_000_000, "1_cog.tif", "file:///cogs/7f/1_cog.tif", 1, 2, 90.0)
    ]

    assert ledger.current_artifact(conn, dataset_id=dataset_id, kind="thumbnail") is None
    with pytest.raises(ConfigError) as caught:
        ledger.record_artifact(conn, run_id=404, kind="cog", uri="file:///x", bytes=1)
    assert caught.value.code == "run.unknown"
    with pytest.raises(errors.ForeignKeyViolation):
        ledger.record_artifact(conn, run_id=first, dataset_id=404, kind="dsm", uri="file:///x", bytes=1)


def test_the_other_products_of_the_contract(conn: psycopg.Connection, dataset_id: int) -> None:
    run_id = open_run(conn, dataset_id)
    bbox = (13.0, 52.0, 13.1, 52.1)
    ledger.record_artifact(
        conn, run_id=run_id, kind="orthophoto", uri="s3://a/1_ortho.tif", bytes=1, sha256="b" * 64, bbox=bbox
    )
    ledger.record_artifact(conn, run_id=run_id, kind="thumbnail", uri="s3://t/1.jpg", bytes=20_000)
    ledger.record_artifact(conn, run_id=run_id, kind="metadata", uri="s3://m/1.json", bytes=9, details={"gadm": None})
    assert conn.execute("select ortho_file_name, bbox, sha256, ortho_file_size from v2_orthos").fetchall() == [
        ("1_ortho.tif", "BOX(13 52,13.1 52.1)", "b" * 64, 1)
    ]
    assert conn.execute("select thumbnail_file_size, thumbnail_path from v2_thumbnails").fetchall() == [
        (20_000, "s3://t/1.jpg")
    ]
    assert conn.execute("select metadata, version from v2_metadata").fetchall() == [({"gadm": None}, 1)]


def test_events_are_kept(conn: psycopg.Connection, dataset_id: int) -> None:
    run_id = open_run(conn, dataset_id)
    ledger.add_event(conn, kind="run.opened", message="Opened.", run_id=run_id, details={"by": "anna"})
    ledger.add_event(conn, kind="housekeeping", message="Nothing to do.")
    rows = conn.execute("select kind, dataset_id, run_id, details from aerodag.event order by id").fetchall()
    assert rows == [("run.opened", dataset_id, run_id, {"by": "anna"}), ("housekeeping", None, None, {})]
    with pytest.raises(errors.InsufficientPrivilege):
        conn.execute("update aerodag.event set message = 'changed'")
    with pytest.raises(errors.InsufficientPrivilege):
        conn.execute("delete from aerodag.dataset")


def test_every_query_is_valid_and_used(conn: psycopg.Connection) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(aerodag.__file__).parent.rglob("*.py"))
    files = query_files()
    assert sorted(files.values()) == sorted((SQL_DIR / "queries").rglob("*.sql")), "two of one name, or one of no room"
    for path in files.values():
        text = path.read_text(encoding="utf-8")
        for number, name in enumerate(dict.fromkeys(re.findall(r"%\((\w+)\)s", text)), 1):
            text = text.replace(f"%({name})s", f"${number}")
        conn.execute(f"prepare {path.stem} as {text}".encode())
        assert f'"{path.stem}"' in sources, f"nobody runs {path.name}"
