"""The pages in a real browser, in states that a run does not come to by itself.

The API server runs alone, so nothing is processed, and some of its answers are changed on their way.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PIL import Image

from aerodag import ledger
from aerodag.local.client import AirflowClient
from aerodag.pipeline.incoming import complete_uploads, register_uploads
from cases.uploads import sha256
from samples.gallery import add_dataset, add_product, add_run, image
from systems.api_server import PASSWORD, ApiServer, api_server
from systems.browser import PATIENCE_MS, browser, opened, overflow, playwright
from systems.upload_frontend import Frontend, photographs

pytestmark = pytest.mark.e2e

PAGE = "/aerodag/datasets"
CHUNK = 1 << 16
PHONE = {"width": 390, "height": 844}
PLACES = [(-92.1, 46.8), (-92.0, 46.8), (-92.0, 46.9)]
BBOX = (-92.1, 46.8, -92.0, 46.9)
expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)


class Site:
    """The server, a browser, and a dataset whose newest run succeeded."""

    def __init__(self, server: ApiServer, started: playwright.Browser) -> None:
        self.server, self.conn, self._browser = server, server.conn, started
        self.dataset = add_dataset(self.conn, "survey.zip")
        images = [image(f"DCIM/{number}.JPG", *place) for number, place in enumerate(PLACES)]
        images.append(image("DCIM/nowhere.JPG"))
        images.append(image("DCIM/blurred.JPG", *PLACES[0], status="rejected", reasons=["image.blurred"]))
        ledger.replace_images(self.conn, dataset_id=self.dataset.id, images=images)
        run = add_run(self.conn, self.dataset)
        add_product(self.conn, run, "cog", BBOX, footprint=_outline(*BBOX))
        ledger.promote(self.conn, run_id=run.id)

    def page(self, user: str = "ada", **context: object):
        return opened(self._browser, AirflowClient(self.server.url, PASSWORD), user, self.server.home, **context)

    def at(self, tab: str = "") -> str:
        return f"{PAGE}#/{self.dataset.id}{tab}"


def _outline(west: float, south: float, east: float, north: float) -> dict:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    bounds = {"AERODAG_UPLOADS__CHUNK_BYTES": str(CHUNK), "AERODAG_UPLOADS__KEEP_FREE_BYTES": "0"}
    with browser() as started, api_server(tmp_path_factory.mktemp("api"), bounds) as server:
        yield Site(server, started)


def amend(site: Site, page: playwright.Page, path: str, **changes: Any) -> None:
    """What the API answers at a path comes with other fields."""
    content = site.server.get("ada", f"/api/{path}").json() | changes
    page.route(f"**/aerodag/api/{path}", lambda route: route.fulfill(json=content))


def look_again(page: playwright.Page) -> None:
    """As somebody who comes back to the window: what is shown is asked for at once."""
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")


def module(page: playwright.Page, name: str, body: str, given: object = None) -> Any:
    """Run a function's body with the exports of one of the page's modules as `it`."""
    return page.evaluate(
        f"async (given) => {{ const it = await import('/aerodag/static/app/{name}'); {body} }}",
        given,
    )


def show_photos(page: playwright.Page, missing: str) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")

    def answer(route: playwright.Route) -> None:
        if route.request.url.endswith(missing):
            route.fulfill(status=404, body="")
        else:
            route.fulfill(body=picture.getvalue(), content_type="image/png")

    page.route("**/aerodag/api/photos/**", answer)


@pytest.mark.parametrize("viewport", [{"width": 1400, "height": 900}, PHONE], ids=["desk", "phone"])
def test_an_image_without_a_position_is_listed_and_gives_the_focus_back(site: Site, viewport: dict) -> None:
    with site.page(viewport=viewport) as (page, watch):
        watch.visit(page, site.at("/images"))
        lines = page.locator(".images li")
        expect(lines).to_have_count(5)
        expect(lines.filter(has_text="no position")).to_have_count(1)
        expect(page.locator(".panel")).to_contain_text("Not on the map for want of a position: 1 image")
        if viewport is not PHONE:
            expect(page.locator(".legend")).to_contain_text("used3")
        lines.first.locator("button").click()
        card = page.locator(".photocard")
        expect(card).to_be_focused()
        opener = lines.filter(has_text="no position").locator("button")
        opener.click()
        expect(card).to_contain_text("no position")
        assert overflow(page) <= 0
        card.get_by_role("button", name="Close").click()
        expect(card).to_have_count(0)
        expect(opener).to_be_focused()
        assert [told for told in watch.complaints if "Failed to load" not in told] == []  # the map has no tiles here


def test_no_image_with_a_position_is_no_reason_for_an_empty_list(site: Site) -> None:
    dataset = add_dataset(site.conn, "nowhere.zip")
    add_run(site.conn, dataset)
    ledger.replace_images(site.conn, dataset_id=dataset.id, images=[image("a.JPG"), image("b.JPG", status="staged")])
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/{dataset.id}/images")
        expect(page.locator(".images li")).to_have_count(2)
        expect(page.locator(".panel")).to_contain_text("want of a position: 1 image")
        expect(page.locator(".viewer")).to_contain_text("It is not known where this was")
        expect(page.locator(".legend")).to_have_count(0)


def test_the_large_photo_follows_the_arrow_keys(site: Site) -> None:
    pictured = site.server.get("ada", f"/api/datasets/{site.dataset.id}/exposures").json()["features"]
    for at, feature in enumerate(pictured[:2]):
        feature["properties"]["photo"] = f"/aerodag/api/photos/{at}"
    with site.page() as (page, watch):
        amend(site, page, f"datasets/{site.dataset.id}/exposures", features=pictured)
        show_photos(page, missing="/0/full")
        watch.visit(page, site.at("/images"))
        page.locator(".images button").first.click()
        page.locator(".photocard .photo").click()
        large = page.locator(".largephoto")
        expect(large.locator("img")).to_have_attribute("src", "/aerodag/api/photos/0")
        expect(large).to_contain_text("This is a preview")
        page.keyboard.press("ArrowRight")
        expect(large.locator("img")).to_have_attribute("src", "/aerodag/api/photos/1/full")
        expect(large).not_to_contain_text("This is a preview")
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("dialog")).to_contain_text("There is no preview")


def test_what_cannot_be_brought_up_to_date_says_since_when(site: Site) -> None:
    views = {site.at(): r"/api/datasets/\d+$", PAGE: "/api/statistics$", f"{PAGE}#/map": "/api/statistics$"}
    with site.page() as (page, watch):
        for view, path in views.items():
            watch.visit(page, view)
            page.route(re.compile(path), lambda route: route.abort("connectionrefused"))
            look_again(page)
            note = page.locator(".note", has_text="Not up to date since")
            expect(note).to_have_text(re.compile(r"since \d\d:\d\d\. The server does not answer"))
            page.unroute_all()
            note.get_by_role("button", name="Try again").click()
            expect(note).to_have_count(0)

        page.route(re.compile("/api/statistics$"), lambda route: route.fulfill(status=401, json={}))
        look_again(page)
        expect(note.get_by_role("link", name="Log in again")).to_be_visible()


def test_a_run_that_somebody_else_starts_is_seen(site: Site) -> None:
    other = add_dataset(site.conn, "elsewhere.zip")
    add_run(site.conn, other)
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        row = page.locator("a.row", has_text="elsewhere")
        expect(row).to_contain_text("Succeeded")
        add_run(site.conn, other, "running", "by_somebody_else")
        look_again(page)
        expect(row).to_contain_text("Running")


def test_the_search_follows_the_address(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        field = page.locator(".search input")
        field.fill("survey")
        expect(page).to_have_url(re.compile("search=survey"))
        page.get_by_role("heading", name="Datasets").get_by_role("link").click()
        expect(field).to_have_value("")
        page.wait_for_timeout(400)  # nothing is searched for again
        assert "search" not in page.url
        page.go_back()
        expect(field).to_have_value("survey")
        field.press("End")
        field.press_sequentially(" zip", delay=120)
        expect(page).to_have_url(re.compile(r"search=survey\+zip"))
        expect(field).to_have_value("survey zip")


def test_the_map_opens_after_a_failure_and_its_card_gives_the_focus_back(site: Site) -> None:
    with site.page() as (page, watch):
        page.route("**/aerodag/api/map?*", lambda route: route.abort("connectionrefused"))
        watch.visit(page, f"{PAGE}#/map")
        failure = page.locator(".canvas").get_by_role("alert")
        expect(failure).to_contain_text("The server does not answer")
        page.unroute_all()
        failure.get_by_role("button", name="Try again").click()
        item = page.get_by_role("region", name="Datasets in view").get_by_role("button", name="survey.zip")
        item.click()
        card = page.get_by_role("complementary", name="Dataset")
        expect(card).to_be_focused()
        card.get_by_role("button", name="Close").click()
        expect(item).to_be_focused()
        expect(failure).to_have_count(0)


def test_the_map_of_a_survey_opens_after_a_failure(site: Site) -> None:
    with site.page() as (page, watch):
        page.route("**/vendor/maplibre-gl.css", lambda route: route.abort("connectionrefused"))
        watch.visit(page, site.at())
        viewer = page.locator(".viewer")
        failure = viewer.get_by_role("alert")
        expect(failure).to_contain_text("The map could not be loaded")
        page.unroute_all()
        failure.get_by_role("button", name="Try again").click()
        expect(viewer.locator("canvas").first).to_be_visible()
        expect(viewer).not_to_contain_text("The map could not be loaded")


def test_a_view_and_an_outline_across_the_date_line(site: Site) -> None:
    view = """
      const edges = (west, east) => ({ getWest: () => west, getEast: () => east });
      const heights = { getSouth: () => -95, getNorth: () => 10 };
      return given.map(([west, east]) => it.viewOf({ ...edges(west, east), ...heights }));
    """
    middle = """
      return given.map(([geometry, bbox]) => it.middle({ geometry, properties: { bbox } }).geometry.coordinates);
    """
    cut = {"type": "MultiPolygon", "coordinates": [[[[179, 0], [180, 2]]], [[[-180, 0], [-179.5, 2]]]]}
    plain = {"type": "Polygon", "coordinates": [[[10, 0], [12, 0], [12, 2], [10, 0]]]}
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        assert module(page, "map/footprints.js", view, [[170, 190], [-190, -170], [530, 550], [-200, 200], [1, 2]]) == [
            [170, -90, 190, 10], [170, -90, 190, 10], [170, -90, 190, 10], [-180, -90, 180, 10], [1, -90, 2, 10],
        ]  # fmt: skip
        found = module(page, "map/footprints.js", middle, [[cut, [179, 0, -179.5, 2]], [plain, None]])
        assert found == [[179.75, 1], [11, 1]]
        taken = "return it.boundsOf(given.map((at) => ({ geometry: at && { coordinates: at } })));"
        assert module(page, "dataset/map/survey_map.js", taken, [[179.5, 1], None, [-179.5, 2]]) == [179.5, 1, 180.5, 2]


def test_a_day_that_has_no_zone_is_the_same_everywhere(site: Site) -> None:
    body = "return [it.capturedDays(given), it.capturedMinutes(given), it.takenAt(given)];"
    day = {"captured_from": "2026-04-03T00:00:00Z", "captured_to": "2026-04-03T23:00:00Z"}
    day["captured_at"] = day["captured_from"]
    for zone in ("Europe/Berlin", "America/Los_Angeles"):
        with site.page(timezone_id=zone) as (page, watch):
            watch.visit(page, PAGE)
            days, minutes, _ = module(page, "dataset/captured.js", body, day | {"captured_source": "uploader"})
            assert (days, minutes) == ("Apr 3, 2026", "Apr 3, 2026")
            days, minutes, taken = module(page, "dataset/captured.js", body, day | {"captured_source": "exif_local"})
            assert days == "Apr 3, 2026"
            assert minutes.replace("\u202f", " ") == "Apr 3, 2026, 12:00 AM to Apr 3, 2026, 11:00 PM"
            assert taken.replace("\u202f", " ") == "Apr 3, 2026, 12:00 AM"
            assert " to " in module(page, "dataset/captured.js", body, day | {"captured_source": None})[0]
            today = page.locator(".throughput title").last.text_content()
            assert today is not None
            assert today.startswith(f"{datetime.now(UTC):%b} {datetime.now(UTC).day}, ")


def test_who_waits_is_told_the_place_and_what_is_expected(site: Site) -> None:
    soon = datetime.now(UTC) + timedelta(hours=2, minutes=15)
    place = {"position": 3, "expected_start": soon.isoformat(), "expected_end": (soon + timedelta(days=1)).isoformat()}
    dataset = add_dataset(site.conn, "waits.zip")
    add_run(site.conn, dataset, "queued")
    with site.page() as (page, watch):
        amend(site, page, f"datasets/{dataset.id}/run", **place)
        watch.visit(page, f"{PAGE}#/{dataset.id}")
        note = page.locator(".note", has_text="waits for its turn")
        expect(note).to_contain_text("Place 3 in the queue.")
        expect(note).to_have_text(re.compile(r"Expected to start .+ \(in 2 h\), to end .+ \(in 1 d\)\."))


def test_an_open_review_takes_no_image_in(site: Site) -> None:
    dataset = add_dataset(site.conn, "asked.zip")
    images = [image("kept.JPG", *PLACES[0]), image("blurred.JPG", *PLACES[0], status="rejected")]
    ledger.replace_images(site.conn, dataset_id=dataset.id, images=images)
    run = add_run(site.conn, dataset, "running")
    ledger.ask_review(
        site.conn, run_id=run.id, due_at=datetime.now(UTC) + timedelta(hours=1), verdict="review", question="Go on?",
        default_answer="Accept",
    )  # fmt: skip
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/{dataset.id}/images")
        expect(page.locator(".choicebar")).to_contain_text("taking one in is for the next run")
        blurred = page.locator(".images li", has_text="blurred")
        expect(blurred.get_by_role("checkbox")).to_be_disabled()
        page.locator(".images li", has_text="kept").get_by_role("checkbox").check()
        expect(page.locator(".choicebar")).to_contain_text("1 image to leave out by the review above")
        blurred.get_by_role("button").click()
        expect(page.locator(".photocard").get_by_role("button", name="Use next time")).to_be_disabled()


def test_the_lists_of_the_last_run_are_where_the_next_one_begins(site: Site) -> None:
    lists = {"include_images": ["DCIM/0.JPG", "DCIM/9.JPG"], "exclude_images": ["flight2/*", "DCIM/blurred.JPG"]}
    dataset = add_dataset(site.conn, "again.zip")
    images = [image("DCIM/0.JPG", *PLACES[0]), image("DCIM/blurred.JPG", *PLACES[0], status="rejected")]
    ledger.replace_images(site.conn, dataset_id=dataset.id, images=images)
    run = add_run(site.conn, dataset)
    site.conn.execute(
        "update aerodag.run set include_images = %s, exclude_images = %s where id = %s", [*lists.values(), run.id]
    )
    param = {"value": None, "description": None, "schema": {"type": ["null", "array"], "items": {"type": "string"}}}
    params = {name: param | {"schema": param["schema"] | {"title": name}} for name in lists}
    asked: list[dict] = []

    def start(route: playwright.Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}")["conf"])
        route.fulfill(json={})

    with site.page() as (page, watch):
        page.route("**/dags/process_dataset/details", lambda route: route.fulfill(json={"params": params}))
        page.route("**/dags/process_dataset/dagRuns", start)
        watch.visit(page, f"{PAGE}#/{dataset.id}/images")
        page.locator(".images li", has_text="0.JPG").get_by_role("checkbox").check()
        page.locator(".images li", has_text="blurred").get_by_role("checkbox").check()
        page.locator(".choicebar").get_by_role("button", name="Process again").click()
        expect(page.get_by_label("exclude_images")).to_have_value("flight2/*\nDCIM/0.JPG")
        expect(page.get_by_label("include_images")).to_have_value("DCIM/9.JPG\nDCIM/blurred.JPG")
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert asked == [
        {
            "dataset_id": dataset.id,
            "exclude_images": ["flight2/*", "DCIM/0.JPG"],
            "include_images": ["DCIM/9.JPG", "DCIM/blurred.JPG"],
        }
    ]


def test_a_link_elsewhere_opens_from_airflows_frame(site: Site) -> None:
    with site.page() as (page, _):
        amend(site, page, f"datasets/{site.dataset.id}", citation_doi="10.1000/182")
        page.context.route("https://doi.org/**", lambda route: route.fulfill(body="the publication"))
        page.goto(f"/plugin/datasets{site.at('/about')}")
        link = page.frame_locator("iframe[title=Datasets]").get_by_role("link", name="10.1000/182")
        with page.expect_popup() as opening:
            link.click()
        assert opening.value.url == "https://doi.org/10.1000/182"


ASK = """
  const { ApiError } = await import('/aerodag/static/app/api.js');
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked <= given.failures) throw new ApiError(given.status, given.message, given.after);
    return "there";
  };
  const told = it.patiently(ask, new AbortController().signal, () => {}).catch((error) => error.message);
  window.patience = told.then((end) => [end, asked]);
"""


@pytest.mark.parametrize(
    ("failure", "end"),
    [
        ({"failures": 12, "status": 409, "message": "[upload.busy] Wait.", "after": 1}, ["there", 13]),
        ({"failures": 12, "status": 0, "message": "No answer."}, ["there", 13]),
        ({"failures": 99, "status": 500, "message": "Broken."}, ["Broken.", 8]),
        ({"failures": 1, "status": 409, "message": "[upload.not_open] Over."}, ["[upload.not_open] Over.", 1]),
    ],
    ids=["busy", "no network", "broken", "refused"],
)
def test_what_is_away_is_waited_for(site: Site, failure: dict, end: list) -> None:
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        page.clock.install()
        module(page, "upload/patience.js", ASK, failure)
        page.clock.run_for(180_000)
        assert page.evaluate("() => window.patience") == end


def test_who_stays_away_is_given_up(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        page.clock.install()
        module(page, "upload/patience.js", ASK, {"failures": 999, "status": 503, "message": "Away."})
        page.clock.run_for(600_000)
        sentence, asked = page.evaluate("() => window.patience")
        assert sentence == "Away."
        assert 16 < asked < 40


@pytest.fixture
def sender(site: Site) -> Iterator[Frontend]:
    """Another browser of the same person."""
    with site.server.client("ada") as http:
        http.base_url = f"{site.server.url}/aerodag/api"
        yield Frontend(http)


def bring(page: playwright.Page, name: str, content: bytes) -> None:
    page.set_input_files("#files", {"name": name, "mimeType": "application/zip", "buffer": content})
    page.get_by_role("button", name=re.compile("Go on with 1 file")).click()


def brought(site: Site, page: playwright.Page) -> bytes:
    """Let what the page uploads be registered; its checksum."""
    expect(page.get_by_role("region", name="Files").locator(".transfer")).to_contain_text("is registered")
    register_uploads(site.conn, site.server.storage, complete_uploads(site.server.storage, settle_seconds=0))
    link = page.locator(".became a")
    expect(link).to_be_visible()
    dataset = ledger.get_dataset(site.conn, dataset_id=int((link.text_content() or "").removeprefix("Dataset ")))
    return bytes.fromhex(dataset.content_sha256)


def test_another_browser_goes_on_with_an_unfinished_upload(site: Site, sender: Frontend) -> None:
    content = photographs()
    sender.send(sender.begin(content, "moved.zip"), content, [0, 1, 2])
    sent: list[int] = []
    with site.page() as (page, watch):
        page.on("response", lambda answer: answer.status == 204 and sent.append(int(answer.url.rsplit("/", 1)[1])))
        watch.visit(page, f"{PAGE}#/upload")
        bring(page, "moved.zip", content)
        assert brought(site, page) == sha256(content)
    assert sorted(sent) == list(range(3, -(-len(content) // CHUNK)))


def test_another_file_of_the_same_name_and_size_begins_anew(site: Site, sender: Frontend) -> None:
    content = photographs()
    first = sender.begin(content, "twin.zip")
    sender.send(first, content, [0, 7])
    other = bytearray(content)
    other[7 * CHUNK + 5_000] ^= 1
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/upload")
        bring(page, "twin.zip", bytes(other))
        assert brought(site, page) == sha256(bytes(other))
        expect(page.get_by_role("region", name="Unfinished uploads")).to_contain_text("twin.zip")
    assert sender.get(first)["chunks_received"] == [0, 7]


def test_completing_is_asked_for_again(site: Site) -> None:
    content = photographs()
    broken: list[str] = []

    def complete(route: playwright.Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route.request.url)
            route.abort("connectionreset")

    with site.page() as (page, watch):
        page.route("**/complete", complete)
        watch.visit(page, f"{PAGE}#/upload")
        page.set_input_files("#files", {"name": "patient.zip", "mimeType": "application/zip", "buffer": content})
        page.get_by_role("button", name="Upload 1 file").click()
        assert brought(site, page) == sha256(content)
    assert broken
