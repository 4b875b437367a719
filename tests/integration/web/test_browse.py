"""Who looks around sees what they may, all of it, and finds it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from aerodag import ledger
from aerodag.ledger import browse
from aerodag.ledger.browse import places
from aerodag.ledger.browse.places import boxes, cell_degrees
from samples.gallery import add_dataset, add_product, add_run, image, request, start_step, step

WORLD = (-180.0, -90.0, 180.0, 90.0)
ANYTHING = browse.Search()
OPERATOR = browse.Viewer("olga", may_edit=True)
ANNA = browse.Viewer("anna", may_edit=False)
STRANGER = browse.Viewer("bo", may_edit=False)


@pytest.fixture
def conn(ledger_connection: psycopg.Connection) -> psycopg.Connection:
    return ledger_connection


@pytest.fixture
def society(conn):
    """A dataset of every access of two owners, by (owner, access)."""
    return {
        (owner, access): add_dataset(conn, f"{owner}_{access}.zip", owner=owner, access=access)
        for owner in ("anna", "carl")
        for access in ("public", "viewonly", "private")
    }


def names(found):
    return [item.name for item in found]


def listed(conn, viewer=OPERATOR, search=ANYTHING, limit=50, **given):
    return names(browse.list_datasets(conn, viewer, search, limit=limit, **given))


def outlines(conn, view=WORLD):
    return browse.look(conn, OPERATOR, ANYTHING, view, 5).outlines


def lay(conn, name, west, south, size=0.01, **given):
    """A dataset with an orthophoto there."""
    dataset = add_dataset(conn, name, **given)
    run = add_run(conn, dataset)
    east = west + size - 360 if west + size > 180 else west + size
    add_product(conn, run, "orthophoto", (west, south, east, south + size))
    return dataset


@pytest.mark.parametrize("viewer", [OPERATOR, ANNA, STRANGER], ids=lambda viewer: viewer.name)
def test_everything_shows_the_same_datasets_to_a_person(conn, society, viewer, monkeypatch):
    visible = {
        dataset.id
        for (owner, access), dataset in society.items()
        if viewer.may_edit or access != "private" or owner == viewer.name
    }
    for number, dataset in enumerate(society.values()):
        run = add_run(conn, dataset)
        add_product(conn, run, "orthophoto", (number, 1.0, number + 0.5, 1.5))
        add_product(conn, run, "thumbnail")
    assert {item.id for item in browse.list_datasets(conn, viewer, ANYTHING, limit=50)} == visible
    for dataset in society.values():
        seen = dataset.id in visible
        assert (browse.find_dataset(conn, viewer, dataset_id=dataset.id) is not None) == seen
        assert (browse.seen_dataset(conn, viewer, dataset_id=dataset.id) is not None) == seen
        assert (browse.find_run(conn, viewer, dag_run_id=f"{dataset.name}_run") is not None) == seen
        shown = browse.current_file(conn, viewer, dataset_id=dataset.id, kind="thumbnail")
        assert (shown is not None) == seen
    for (file,) in conn.execute("select id from aerodag.artifact").fetchall():
        found = browse.find_file(conn, viewer, artifact_id=file)
        (owner_of,) = conn.execute("select dataset_id from aerodag.artifact where id = %s", [file]).fetchone()
        assert (found is not None) == (owner_of in visible)
    shown = browse.look(conn, viewer, ANYTHING, WORLD, 0)
    assert {one.id for one in shown.outlines} == visible
    monkeypatch.setattr(places, "MOST_FOOTPRINTS", 1)
    assert sum(one.count for one in browse.look(conn, viewer, ANYTHING, WORLD, 0).clusters) == len(visible)
    assert browse.statistics(conn, viewer).datasets == len(visible)
    west, _, east, _ = shown.extent
    numbers = [number for number, dataset in enumerate(society.values()) if dataset.id in visible]
    assert (west, east) == (min(numbers), max(numbers) + 0.5)


def test_view_only_files_are_for_their_owner_and_operators():
    assert [who.may_download("anna", "viewonly") for who in (OPERATOR, ANNA, STRANGER)] == [True, True, False]
    assert [who.may_download("anna", "public") for who in (OPERATOR, ANNA, STRANGER)] == [True, True, True]


def test_pages_hold_every_dataset_once_newest_first(conn):
    made = [add_dataset(conn, f"{number}.zip").id for number in range(23)]
    # Some at the very same moment.
    with conn.transaction():
        made += [add_dataset(conn, f"together_{number}.zip").id for number in range(5)]
    for limit in (1, 4, 50):
        seen: list[int] = []
        place = None
        while page := browse.list_datasets(conn, OPERATOR, ANYTHING, limit=limit, after=place):
            seen += [item.id for item in page]
            place = browse.Place(page[-1].created_at, page[-1].id)
        assert seen == sorted(made, reverse=True)


def test_a_dataset_that_comes_meanwhile_disturbs_no_page(conn):
    for number in range(4):
        add_dataset(conn, f"{number}.zip")
    first = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=2)
    add_dataset(conn, "late.zip")
    place = browse.Place(first[-1].created_at, first[-1].id)
    assert listed(conn, limit=2, after=place) == ["1.zip", "0.zip"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("dunes", ["Dunes 100%.zip", "west.zip"]),
        ("DUNES zip west", ["west.zip"]),
        ("100%", ["Dunes 100%.zip"]),
        ("100_", []),
        ("%", ["Dunes 100%.zip"]),
        ("\\", []),
        ("carl", ["other.zip"]),
        ("nowhere", []),
        ("  ", ["other.zip", "Dunes 100%.zip", "west.zip"]),
        ("'; drop table aerodag.dataset --", []),
        ("\x00west", ["west.zip"]),
    ],
)
def test_a_search_finds_all_words_wherever_they_stand(conn, words, found):
    add_dataset(conn, "west.zip", project="Dunes")
    add_dataset(conn, "Dunes 100%.zip")
    add_dataset(conn, "other.zip", owner="carl")
    assert listed(conn, search=browse.Search(words=words)) == found


def test_a_search_finds_an_id(conn):
    dataset = add_dataset(conn, "a.zip")
    assert listed(conn, search=browse.Search(words=str(dataset.id))) == ["a.zip"]


def test_states_and_kinds_are_filters(conn):
    add_dataset(conn, "waiting.zip")
    add_dataset(conn, "map.tif", upload_type="geotiff")
    add_run(conn, add_dataset(conn, "failed.zip"), "failed")
    add_run(conn, add_dataset(conn, "running.zip"), "running")
    assert listed(conn, search=browse.Search(state="failed")) == ["failed.zip"]
    assert listed(conn, search=browse.Search(state="waiting")) == ["map.tif", "waiting.zip"]
    assert listed(conn, upload_type="geotiff") == ["map.tif"]
    assert listed(conn, search=browse.Search(state="waiting", words="map"), upload_type="raw_images_zip") == []


def test_an_item_tells_how_the_run_is(conn):
    add_run(conn, add_dataset(conn, "running.zip"), "running", "field_1")
    add_run(conn, add_dataset(conn, "failed.zip"), "failed")
    failed, running = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=2)
    assert (running.state, running.step, running.stage, running.percent) == ("running", "odm", "opensfm", 40.0)
    assert (running.dag_run_id, running.message, running.waits_for_review) == ("field_1", None, False)
    assert (failed.code, failed.advice, failed.step) == ("odm.out_of_memory", "Use fewer images.", None)


def test_a_run_that_waits_for_a_person_says_so(conn):
    run = add_run(conn, add_dataset(conn, "asked.zip"), "running")
    ledger.ask_review(
        conn, run_id=run.id, due_at=datetime.now(UTC), verdict="review", question="Well?", default_answer="Accept"
    )
    (item,) = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=1)
    assert (item.waits_for_review, item.step) == (True, "review")
    ledger.close_run(conn, dag_run_id=run.dag_run_id, state="cancelled", message="A person stopped it.")
    assert not asked(conn)
    ledger.resume_run(conn, run_id=run.id)
    ledger.step_started(
        conn, dag_run_id=run.dag_run_id, name="validate", map_index=-1, try_number=2, host=None,
        started_at=datetime.now(UTC),
    )  # fmt: skip
    assert not asked(conn), "gone on with, it asks again when it gets there"


def test_a_run_that_waits_for_the_engine_says_so(conn):
    run = add_run(conn, add_dataset(conn, "planned.zip"), "queued")
    start_step(conn, run, "plan_engine")
    step(conn, run, "plan_engine")
    (item,) = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=1)
    assert (item.state, item.waits_for_engine, item.step, item.percent) == ("running", True, "odm", None)
    status = ledger.run_status(conn, dag_run_id=run.dag_run_id)
    assert (status.waits_for_engine, status.step) == (True, "odm")
    start_step(conn, run, "odm")
    (item,) = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=1)
    assert (item.waits_for_engine, item.step) == (False, "odm")
    assert not ledger.run_status(conn, dag_run_id=run.dag_run_id).waits_for_engine


def asked(conn) -> bool:
    (item,) = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=1)
    return item.waits_for_review


def test_a_refused_upload_says_why(conn):
    dataset = add_dataset(conn, "bad.zip")
    ledger.quarantine(conn, dataset_id=dataset.id, raw_uri="file:///quarantine/bad.zip")
    ledger.add_event(conn, kind="dataset.quarantined", message="It is no ZIP.", dataset_id=dataset.id)
    (item,) = browse.list_datasets(conn, OPERATOR, ANYTHING, limit=1)
    assert (item.state, item.message) == ("quarantined", "It is no ZIP.")


def test_a_dataset_tells_where_it_is_and_an_archived_one_nothing(conn):
    dataset = add_dataset(conn, "a.zip", project="Dunes")
    run = add_run(conn, dataset)
    details = {"place": {"name": "Skagen"}, "gadm": {"NAME_0": "Denmark"}}
    add_product(conn, run, "metadata", details=details)
    found = browse.find_dataset(conn, OPERATOR, dataset_id=dataset.id)
    assert (found.place, found.project, found.content_sha256) == ("Skagen, Denmark", "Dunes", dataset.content_sha256)
    ledger.archive_dataset(conn, dataset_id=dataset.id)
    assert browse.find_dataset(conn, OPERATOR, dataset_id=dataset.id) is None
    assert browse.seen_dataset(conn, OPERATOR, dataset_id=dataset.id)


def test_products_and_reports_of_runs(conn):
    dataset = add_dataset(conn, "a.zip")
    first, second = add_run(conn, dataset, dag_run_id="first"), add_run(conn, dataset, dag_run_id="second")
    add_product(conn, first, "preflight")
    heights = {"height_datum": "ellipsoidal"}
    add_product(conn, second, "dsm", (1, 2, 3, 4), gsd_m=0.05, crs="EPSG:32632", details=heights)
    gone = add_product(conn, second, "mesh")
    conn.execute("update aerodag.artifact set removed_at = now() where id = %s", [gone.id])
    runs = browse.runs_of(conn, dataset_id=dataset.id)
    assert [(run.dag_run_id, run.has_report) for run in runs] == [("second", False), ("first", True)]
    products = browse.products_of(conn, run_ids=[run.run_id for run in runs])
    assert [product.kind for product in products] == ["dsm", "preflight"]
    assert (products[0].gsd_cm, products[0].height_datum) == (5.0, "ellipsoidal")
    assert browse.find_file(conn, OPERATOR, artifact_id=gone.id) is None
    assert browse.file_of_run(conn, OPERATOR, run_id=second.id, kind="preflight") is None


def test_exposures_tell_what_became_of_all_images(conn):
    dataset = add_dataset(conn, "a.zip")
    moment = datetime(2026, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)
    images = [
        image(
            "a.jpg",
            7.123456789,
            46.0,
            rtk_flag=50,
            captured_at=moment,
            captured_source="exif_local",
            altitude=120.5,
            registered=True,
        ),
        image("b.jpg", 7.0, 46.0, rtk_flag=34, status="rejected", reasons=["image.blurred"]),
        image("c.jpg", 7.0, 46.0, rtk_flag=16),
        image("d.jpg", 7.0, 46.0, rtk_flag=0),
        image('e"<.jpg', 7.0, 46.0),
        image("f.jpg"),
    ]
    ledger.replace_images(conn, dataset_id=dataset.id, images=images)
    found = json.loads(browse.exposures(conn, dataset_id=dataset.id, photos="/photos/"))["features"]
    told = {feature["properties"]["name"]: feature for feature in found}
    assert list(told) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", 'e"<.jpg', "f.jpg"]
    assert [one["properties"]["rtk"] for one in told.values()] == ["fix", "float", "single", "none", None, None]
    assert told["f.jpg"]["geometry"] is None
    first = told["a.jpg"]
    assert first["geometry"] == {"type": "Point", "coordinates": [7.1234568, 46.0]}
    assert first["properties"]["captured_at"] == "2026-05-01T12:30:15.250Z"
    assert first["properties"]["captured_source"] == "exif_local"
    assert first["properties"]["photo"] == f"/photos/{first['id']}"
    assert (first["properties"]["altitude_m"], first["properties"]["registered"]) == (120.5, True)
    assert told["b.jpg"]["properties"]["reasons"] == ["image.blurred"]
    without = json.loads(browse.exposures(conn, dataset_id=dataset.id, photos=None))["features"]
    assert {feature["properties"]["photo"] for feature in without} == {None}


def test_footprints_are_those_in_view(conn):
    lay(conn, "alps", 7.0, 46.0)
    lay(conn, "fiji", 179.995, -17.0)
    lay(conn, "samoa", -172.0, -13.0)
    add_dataset(conn, "nowhere")
    views = {
        (6.0, 45.0, 8.0, 47.0): ["alps"],
        (366.0, 45.0, 368.0, 47.0): ["alps"],
        (-354.0, 45.0, -352.0, 47.0): ["alps"],
        (179.0, -18.0, 180.0, -16.0): ["fiji"],
        (-180.0, -18.0, -179.0, -16.0): ["fiji"],
        (170.0, -20.0, 190.0, -10.0): ["samoa", "fiji"],
        (-190.0, -20.0, -170.0, -10.0): ["samoa", "fiji"],
        (-180.0, -90.0, 180.0, 90.0): ["samoa", "fiji", "alps"],
        (-500.0, -90.0, 500.0, 90.0): ["samoa", "fiji", "alps"],
        (-180.0, 0.0, 180.0, 90.0): ["alps"],
        (20.0, 20.0, 30.0, 30.0): [],
    }
    assert {view: names(outlines(conn, view)) for view in views} == views


@pytest.mark.parametrize("view", [WORLD, (6.0, 45.0, 8.0, 47.0)], ids=["world", "alps"])
def test_the_extent_is_that_of_all_that_is_found(conn, view):
    lay(conn, "alps", 7.0, 46.0)
    lay(conn, "fiji", 179.995, -17.0)
    add_dataset(conn, "nowhere")

    def extent(search):
        return browse.look(conn, OPERATOR, search, view, 5).extent

    assert extent(browse.Search(words="fiji")) == pytest.approx((179.995, -17, 180.005, -16.99))
    assert extent(browse.Search(words="alps")) == pytest.approx((7.0, 46.0, 7.01, 46.01))
    assert extent(ANYTHING) == pytest.approx((7.0, -17, 180.005, 46.01))
    assert extent(browse.Search(words="nowhere")) is None
    lay(conn, "samoa", -179.999, -13.0)
    assert extent(ANYTHING) == (-180.0, -17.0, 180.0, pytest.approx(46.01))


def test_without_an_outline_the_box_is_shown(conn):
    lay(conn, "fiji", 179.995, -17.0)
    (found,) = outlines(conn)
    (ring,) = found.geometry["coordinates"]
    assert min(point[0] for point in ring) == 179.995
    assert max(point[0] for point in ring) == pytest.approx(180.005)
    assert ring[0] == ring[-1]
    assert found.bbox == pytest.approx([179.995, -17.0, -179.995, -16.99])


def test_the_outline_of_the_valid_orthophoto_is_shown(conn):
    run = add_run(conn, add_dataset(conn, "a"))
    outline = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [1, 2], [1, 1]]]}
    add_product(conn, run, "orthophoto", (1, 1, 2, 2), footprint=outline)
    (found,) = outlines(conn)
    assert found.geometry == outline


def test_too_many_footprints_become_clusters_that_count_all(conn, monkeypatch):
    monkeypatch.setattr(places, "MOST_FOOTPRINTS", 3)
    for number in range(4):
        lay(conn, f"{number}", 7.0 + number * 0.01, 46.0)
    lay(conn, "far", -70.0, -30.0)
    seen = browse.look(conn, OPERATOR, ANYTHING, WORLD, 2)
    assert seen.outlines is None
    assert [one.count for one in seen.clusters] == [4, 1]
    first = seen.clusters[0]
    assert first.edges == pytest.approx((7.0, 46.0, 7.04, 46.01))
    assert first.west < first.longitude < first.east
    assert seen.extent == pytest.approx((-70.0, -30.0, 7.04, 46.01))
    near = browse.look(conn, OPERATOR, ANYTHING, (6.9, 45.9, 7.1, 46.1), 14)
    assert [one.count for one in near.clusters] == [1, 1, 1, 1]
    assert near.extent == seen.extent
    assert names(outlines(conn, (-71, -31, -69, -29))) == ["far"]
    monkeypatch.setattr(places, "MOST_FOOTPRINTS", 0)
    assert [one.count for one in browse.look(conn, OPERATOR, browse.Search(words="far"), WORLD, 0).clusters] == [1]


def test_the_grid_of_clusters_stays_when_the_map_moves():
    assert cell_degrees((0, 0, 10, 10), 5.9) == cell_degrees((3.3, 1, 13.3, 11), 5.1)
    assert cell_degrees((-180, -90, 180, 90), 20) == 360 / 32
    assert boxes((-180, -90, 180, 90)) is None


def test_an_empty_ledger_has_no_extent(conn):
    assert browse.look(conn, OPERATOR, ANYTHING, WORLD, 0).extent is None
    assert browse.look(conn, OPERATOR, ANYTHING, (0, 0, 1, 1), 9).extent is None
    assert outlines(conn) == []
    empty = browse.statistics(conn, OPERATOR)
    assert (empty.datasets, empty.by_state, empty.success_rate_7d, empty.waiting_oldest_at) == (0, {}, None, None)
    assert len(empty.datasets_per_day) == 30


def test_a_dataset_whose_next_run_waits_is_told_without_its_last_failure(conn):
    dataset = add_dataset(conn, "again.zip")
    add_run(conn, dataset, "failed")
    assert browse.statistics(conn, OPERATOR).waiting_oldest_at is None
    request(conn, dataset, "next")
    (asked_at,) = conn.execute("select created_at from aerodag.start_request").fetchone()
    (item,) = browse.list_datasets(conn, OPERATOR, browse.Search(state="waiting"), limit=10)
    assert (item.name, item.message, item.advice, item.code) == ("again.zip", None, None, None)
    found = browse.statistics(conn, OPERATOR)
    assert (found.by_state, found.waiting_oldest_at) == ({"waiting": 1}, asked_at)
    add_run(conn, dataset, "failed", "next")
    (item,) = browse.list_datasets(conn, OPERATOR, browse.Search(state="failed"), limit=10)
    assert item.code == "odm.out_of_memory"


def test_statistics_count_what_happened(conn):
    waiting = add_dataset(conn, "waiting")
    for number, state in enumerate(("succeeded", "succeeded", "failed", "running")):
        dataset = add_dataset(conn, f"{number}")
        ledger.replace_images(conn, dataset_id=dataset.id, images=[image("a.jpg"), image("b.jpg")])
        run = add_run(conn, dataset, state)
        if state == "succeeded":
            add_product(conn, run, "orthophoto", (1, 1, 2, 2), details={"raster": {"valid_area_m2": 100.0}})
    earlier = "update aerodag.run set finished_at = now() - interval '20 days' where dataset_id = %s"
    conn.execute(earlier, [waiting.id + 1])
    found = browse.statistics(conn, OPERATOR)
    assert found.by_state == {"waiting": 1, "succeeded": 2, "failed": 1, "running": 1}
    assert (found.datasets, found.images, found.area_m2) == (5, 8, 200.0)
    assert (found.success_rate_7d, found.success_rate_30d) == (0.5, pytest.approx(2 / 3))
    assert found.waiting_oldest_at == waiting.created_at
    today = datetime.now(UTC).date()
    days = [datetime.fromisoformat(day["day"]).date() for day in found.datasets_per_day]
    assert days == [today - timedelta(days=29 - number) for number in range(30)]
    assert (found.datasets_per_day[-1]["uploaded"], found.datasets_per_day[-1]["finished"]) == (5, 1)
    assert sum(day["finished"] for day in found.datasets_per_day) == 2
