"""The pages in a real headless browser, on a real Airflow: from an upload to the finished map."""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aerodag import ledger
from aerodag.simulate import Survey, simulate
from systems.browser import PATIENCE_MS, Watch, browser, drop_file, faint_texts, opened, overflow, playwright
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

PAGE = "/aerodag/datasets"
IMAGES = 12
SMALL = {"images": IMAGES, "width": 400, "height": 300}
ENGINE_MS = 600_000
VIEWS = [
    "",
    "#/map",
    "#/upload",
    *(f"#/1/{tab}" for tab in ("progress", "findings", "images", "products", "runs", "about")),
]
expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)


class Site(SetUp):
    """A set-up with one finished dataset, whose browser and surveys the tests share."""

    home: Path
    browser: playwright.Browser
    folder: Path

    def survey(self, name: str, seed: int) -> Path:
        made = simulate(Survey(**SMALL, seed=seed), self.folder / f"{name}.zip")
        return made.zip_path

    def dataset(self, name: str) -> ledger.Dataset:
        found = self.conn.execute("select id from aerodag.dataset where name = %s", [name]).fetchone()
        assert found is not None
        return ledger.get_dataset(self.conn, dataset_id=found[0])

    def page(self, user: str | None = "admin", **context: object):
        return opened(self.browser, self.client, user, self.home, **context)

    def newest_run(self) -> ledger.Run:
        run = ledger.newest_run(self.conn)
        assert run is not None
        return run


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("aerodag")
    settings = {"AERODAG_RETRY_SECONDS": "2", "AERODAG_UPLOADS__CHUNK_BYTES": "65536"}
    with browser() as started, served(home, Site, **settings) as running:
        running.home, running.browser, running.folder = home, started, tmp_path_factory.mktemp("surveys")
        running.drop(running.survey("first", seed=0), "first.zip")
        assert running.run_of("first").state == "succeeded"
        yield running


def until(page: playwright.Page, what: str, ask: Callable[[], bool], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline, what
        page.wait_for_timeout(300)


def expect_clean(site: Site, watch: Watch) -> None:
    """Nothing came from elsewhere, and the browser had nothing to complain of."""
    assert watch.hosts == {site.client.url.removeprefix("http://")}
    assert watch.complaints == []


def expect_picture(page: playwright.Page | playwright.Frame, at: str) -> None:
    """The middle of a map shows more than an even ground."""
    deadline = time.monotonic() + 300
    while True:
        shot = Image.open(io.BytesIO(page.locator(at).screenshot())).convert("RGB")
        width, height = shot.size
        middle = np.asarray(shot.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3)))
        if len(np.unique(middle.reshape(-1, 3), axis=0)) > 1000:
            return
        assert time.monotonic() < deadline, "the map stays empty"
        time.sleep(0.5)


def test_an_upload_in_airflows_own_window_becomes_a_map(site: Site) -> None:
    with site.page(user=None) as (page, watch):
        page.goto("/")
        page.fill("[name=username]", "admin")
        page.fill("[name=password]", site.client.password)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Datasets").click()
        watch.complaints.clear()  # Airflow's own page asks before anybody is logged in
        frame = page.frame_locator("iframe[title=Datasets]")
        frame.get_by_role("link", name="Upload", exact=True).click()

        inside = next(part for part in page.frames if part.parent_frame and PAGE in part.url)
        drop_file(inside, ".dropzone", site.survey("uploaded", seed=1))
        frame.get_by_label("Licence").select_option("CC BY")
        frame.get_by_label("Who may see it").select_option("viewonly")
        frame.get_by_label("Authors").fill("Anna Example, B. Other")
        frame.get_by_label("Project").fill("Village")
        frame.get_by_label("Priority").select_option("4")
        frame.get_by_role("button", name="Upload 1 file").click()
        frame.get_by_role("link", name="Open").click(timeout=ENGINE_MS)
        expect(frame.locator("h2 .badge")).to_have_text("Succeeded", timeout=ENGINE_MS)
        expect_picture(inside, ".viewer")
        assert watch.loaded("/tiles/")
        assert re.search(r"/plugin/datasets/aerodag/datasets#/\d+", page.url), "the address tells what is shown"

        facts = frame.locator(".facts").inner_text()
        assert all(word in facts for word in (f"Images\n{IMAGES}", " cm", " ha", "RTK fix\n100 %", "by admin")), facts
        expect(frame.locator(".legend")).to_contain_text(f"used{IMAGES}")
        frame.get_by_role("tab", name="Images").click()
        frame.locator(".images button").first.click()
        photo = frame.locator(".photocard img")
        expect(photo).to_be_visible()
        until(page, "a photo", lambda: photo.evaluate("image => image.naturalWidth > 0"))

        frame.get_by_role("tab", name="Products").click()
        product = frame.locator(".products li").filter(has_text="COG").first
        with page.expect_download() as download:
            product.get_by_role("link", name="Download").click()
        content = Path(download.value.path()).read_bytes()
        assert product.locator(".hash").get_attribute("title") == f"SHA-256 {hashlib.sha256(content).hexdigest()}"

        dataset = site.dataset("uploaded")
        assert (dataset.licence, dataset.access, dataset.project, dataset.priority) == (
            "CC BY",
            "viewonly",
            "Village",
            4,
        )
        assert dataset.authors == ["Anna Example", "B. Other"]

        frame.get_by_role("link", name="Run in Airflow").click()
        page.wait_for_url("**/dags/process_dataset/runs/**")
        page.get_by_role("link", name="Dataset", exact=True).last.click()
        expect(page.frame_locator("iframe[title=Dataset]").locator("h2")).to_contain_text("uploaded")
        expect_clean(site, watch)


def test_an_upload_goes_on_after_a_reload_and_sends_no_piece_twice(site: Site) -> None:
    survey = site.survey("resumed", seed=2)
    pieces = -(-survey.stat().st_size // 65536)
    assert pieces > 4
    taken: list[str] = []
    with site.page() as (page, watch):
        page.on(
            "response", lambda answer: "/chunks/" in answer.url and answer.status == 204 and taken.append(answer.url)
        )
        page.route(re.compile(r"/chunks/([3-9]|\d\d)"), lambda route: route.abort("connectionreset"))
        watch.visit(page, f"{PAGE}#/upload")
        page.set_input_files("#files", survey)
        page.get_by_role("button", name="Upload 1 file").click()
        chosen = page.get_by_role("region", name="Files").locator(".transfer")
        expect(chosen).to_contain_text("Trying again")
        until(page, "the first pieces", lambda: len(taken) == 3)

        page.reload()
        expect(page.get_by_role("region", name="Unfinished uploads")).to_contain_text("resumed.zip")
        page.unroute_all()
        page.set_input_files("#files", survey)
        expect(chosen).to_contain_text("is there already")
        page.get_by_role("button", name="Go on with 1 file").click()
        expect(chosen).to_contain_text("Dataset", timeout=ENGINE_MS)
        assert sorted(taken) == sorted(set(taken))
        assert len(taken) == pieces
        assert site.dataset("resumed").content_sha256 == hashlib.sha256(survey.read_bytes()).hexdigest()


def test_a_review_is_answered_on_the_page_and_the_versions_are_compared(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/1")
        page.get_by_role("button", name="Process again").click()
        page.get_by_label("Review", exact=True).select_option(label="yes")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("h2 .badge")).to_have_text("Needs review", timeout=ENGINE_MS)
        expect(page.get_by_role("region", name="Review")).to_contain_text(f"{IMAGES} of {IMAGES}")
        rejects = page.get_by_role("button", name="Reject images")
        expect(rejects).to_be_disabled()

        page.get_by_role("tab", name="Images").click()
        page.locator(".images input").nth(2).check()
        page.get_by_label("Note").fill("out of focus")
        rejects.click()
        expect(page.locator("h2 .badge")).to_have_text("Succeeded", timeout=ENGINE_MS)
        run = site.newest_run()
        answer = ledger.list_reviews(site.conn, run_id=run.id)[-1]
        assert (answer.answer, answer.answered_by, answer.note, len(answer.images)) == (
            "Reject images",
            "admin",
            "out of focus",
            1,
        )
        assert page.locator(".facts").inner_text().startswith(f"Images\n{IMAGES - 1} of {IMAGES}")
        expect(page.locator(".images li").nth(2)).to_contain_text("left out: rejected by review")

        page.locator(".layerpanel > button").click()
        page.get_by_label("Compare with").select_option(index=1)
        slider = page.locator(".swipe input")
        expect(slider).to_be_attached()
        slider.focus()
        page.keyboard.press("Home")
        assert page.locator(".swipe").evaluate("element => getComputedStyle(element).getPropertyValue('--at')") == "0%"
        cogs = {artifact.id for artifact in ledger.list_artifacts(site.conn, run_id=run.id) if artifact.kind == "cog"}
        old = {url for url in watch.loaded("/tiles/") if not any(f"/artifacts/{cog}/" in url for cog in cogs)}
        assert old, "the earlier version has its own tiles"
        expect_clean(site, watch)


def test_a_run_is_cancelled_and_gone_on_with_from_a_step(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/1")
        page.get_by_role("button", name="Process again").click()
        page.get_by_label("Review", exact=True).select_option(label="yes")
        page.get_by_role("button", name="Start").click()
        expect(page.locator("h2 .badge")).to_have_text("Needs review", timeout=ENGINE_MS)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.locator("h2 .badge")).to_have_text("Cancelled", timeout=ENGINE_MS)
        assert site.newest_run().state == "cancelled"

        page.locator(".step", has_text="Validate").get_by_role("button").first.click()
        page.get_by_role("button", name="Retry from here").last.click()
        page.get_by_role("dialog").get_by_role("button", name="Retry from here").click()
        expect(page.locator("h2 .badge")).to_have_text("Needs review", timeout=ENGINE_MS)
        validations = [
            step.try_number
            for step in ledger.list_steps(site.conn, run_id=site.newest_run().id)
            if step.name == "validate"
        ]
        assert len(validations) == 2
        page.get_by_role("button", name="Abort").click()
        page.get_by_role("button", name="Yes, abort").click()
        expect(page.locator("h2 .badge")).to_have_text("Cancelled", timeout=ENGINE_MS)
        expect(page.locator(".note[data-tone=cancelled]")).to_contain_text("admin aborted the run in its review")
        expect_clean(site, watch)


def test_what_airflow_refuses_is_told_as_a_sentence(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/1")
        page.get_by_role("button", name="Process again").click()
        page.locator("dialog summary").click()
        page.get_by_label("Engine options").fill('{"rubbish": 1}')
        before = site.newest_run().id
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("alert")).to_contain_text("rubbish")
        assert site.newest_run().id == before
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_who_may_not_change_runs_is_offered_nothing(site: Site) -> None:
    with site.page("uploader") as (page, watch):
        watch.visit(page, f"{PAGE}#/1")
        expect(page.locator("h2")).to_contain_text("first")
        expect(page.get_by_role("link", name="Upload")).to_be_visible()
        assert page.get_by_role("button", name=re.compile("Process|Cancel|Retry")).count() == 0
        expect_clean(site, watch)
    with site.page(user=None) as (page, watch):
        watch.visit(page, f"{PAGE}#/1")
        expect(page.get_by_role("alert").first).to_contain_text("not logged in")
        page.get_by_role("link", name="Log in").first.click()
        page.wait_for_url("**/auth/login**")


def test_it_works_by_keyboard(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        expect(page.locator("a.row").first).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("/")
        page.keyboard.type("first")
        expect(page.locator("a.row")).to_have_count(1)
        expect(page).to_have_url(re.compile("search=first"))
        expect(page.locator(".rows")).to_have_attribute("aria-busy", "false")
        page.keyboard.press("ArrowDown")
        expect(page.locator("a.row")).to_be_focused()
        outline = page.locator("a.row").evaluate("element => getComputedStyle(element).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        expect(page.locator("h2")).to_contain_text("first")
        page.get_by_role("tab", name="Progress").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name="Findings")).to_have_attribute("aria-selected", "true")
        page.get_by_role("button", name="Pre-flight report").focus()
        page.keyboard.press("Enter")
        report = page.frame_locator("iframe.report")
        expect(report.locator("h1")).to_contain_text("first")
        page.get_by_role("button", name="Close").focus()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("button", name="Pre-flight report")).to_be_focused()
        expect_clean(site, watch)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_readable_in_both_themes(site: Site, theme: str) -> None:
    with site.page() as (page, watch):
        watch.visit(page, PAGE)
        page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
        for view in VIEWS:
            watch.visit(page, PAGE + view)
            expect(page.locator("html")).to_have_attribute("data-theme", theme)
            assert faint_texts(page) == [], view
        expect_clean(site, watch)


def test_every_view_fits_a_phone(site: Site) -> None:
    with site.page(viewport={"width": 390, "height": 844}, has_touch=True) as (page, watch):
        for view in VIEWS:
            watch.visit(page, PAGE + view)
            assert overflow(page) <= 0, view
        watch.visit(page, f"{PAGE}#/1")
        expect_picture(page, ".viewer")
        expect(page.get_by_role("button", name="Process again")).to_be_in_viewport()
        expect_clean(site, watch)


def test_the_map_of_all_opens_on_the_data(site: Site) -> None:
    with site.page() as (page, watch):
        watch.visit(page, f"{PAGE}#/map")
        item = page.get_by_role("region", name="Datasets in view").get_by_role("button", name="first")
        item.click()
        card = page.get_by_role("complementary", name="Dataset")
        expect(card).to_contain_text("first")
        until(page, "its picture", lambda: card.locator("img").evaluate("image => image.naturalWidth > 0"))
        page.keyboard.press("Escape")
        expect(card).to_have_count(0)
        # What the item chose lies in the middle now; so does the footprint that a click finds.
        time.sleep(2)
        box = page.locator(".canvas .map").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        expect(card).to_be_visible()
        card.get_by_role("link", name="Open").click()
        expect(page.locator("h2")).to_be_visible()
        expect_clean(site, watch)
