"""A real headless browser on a running set-up, and what it saw: requests, complaints, contrast of what is written."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright import sync_api as playwright

from aerodag.local.client import AirflowClient
from aerodag.local.state import StateFolder

# Software rendering: maps need WebGL, and a test machine has no GPU.
FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
# Airflow frames plugins in a sandbox that Chromium finds loose.
KNOWN = ("allow-scripts and allow-same-origin",)
# Chromium breaks off all that it loads when a network appears or goes, as Docker's do beside these tests.
DISTURBED = "ERR_NETWORK_CHANGED"
PATIENCE_MS = 60_000


@dataclass
class Watch:
    """What a page asked for, and what went wrong on it."""

    hosts: set[str] = field(default_factory=set)
    answers: list[tuple[int, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    disturbed: bool = False

    def on(self, page: playwright.Page) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("response", lambda response: self.answers.append((response.status, response.url)))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: message.type in {"error", "warning"} and self._said(message.text))

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"blob", "data"}:
            self.hosts.add(parts.netloc)

    def _said(self, text: str) -> None:
        if DISTURBED in text:
            self.disturbed = True
        elif not any(known in text for known in KNOWN):
            self.complaints.append(text)

    def visit(self, page: playwright.Page, address: str) -> None:
        """Load a page anew and wait until it has asked for all that it shows at first."""
        for _ in range(5):
            self.disturbed = False
            page.goto("about:blank")
            page.goto(address)
            page.wait_for_load_state("networkidle")
            if not self.disturbed:
                return
        pytest.fail("the network does not come to rest")

    def loaded(self, part: str) -> list[str]:
        """The addresses with that in them that were answered well."""
        return [url for status, url in self.answers if status in {200, 304} and part in url]


def chromium() -> str:
    """The browser's program; skips where there is none."""
    found = os.environ.get("AERODAG_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    return found


@contextmanager
def browser() -> Iterator[playwright.Browser]:
    program = chromium()
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@contextmanager
def opened(
    started: playwright.Browser,
    client: AirflowClient,
    user: str | None = None,
    home: Path | None = None,
    **context: object,
) -> Iterator[tuple[playwright.Page, Watch]]:
    """A fresh page with a session of its own; with ``user``, whose password lies in ``home``, already logged in."""
    session = started.new_context(base_url=client.url, **({"viewport": {"width": 1400, "height": 900}} | context))
    if user is not None:
        assert home is not None
        login = {"username": user, "password": StateFolder(home).password(user)}
        answer = session.request.post("/auth/token", data=login).json()
        session.add_cookies([{"name": "_token", "value": answer["access_token"], "url": client.url}])
    session.set_default_timeout(PATIENCE_MS)
    page, watch = session.new_page(), Watch()
    watch.on(page)
    yield page, watch
    session.close()


DROP = """
([element, name, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], name, { type: "application/zip" }));
  for (const type of ["dragenter", "dragover", "drop"]) {
    element.dispatchEvent(new DragEvent(type, { dataTransfer: dropped, bubbles: true, cancelable: true }));
  }
}
"""


def drop_file(page: playwright.Page | playwright.Frame, selector: str, path: Path) -> None:
    """Drag a file from outside of the browser onto an element."""
    element = page.wait_for_selector(selector)
    page.evaluate(DROP, [element, path.name, base64.b64encode(path.read_bytes()).decode()])


# Relative luminance and contrast by WCAG 2.2; backgrounds are laid over each other from the root on.
FAINT = """
() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (layers) => {
    pixel.clearRect(0, 0, 1, 1);
    for (const layer of layers) { pixel.fillStyle = layer; pixel.fillRect(0, 0, 1, 1); }
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => colour
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const written = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!written || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    if (element.closest(":disabled, .unseen, .skip, .maplibregl-map, noscript, .ghostly")) continue;
    const style = getComputedStyle(element);
    const behind = [];
    for (let one = element; one; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
    const [ink, paper] = [read([...behind, style.color]), read(behind)].map(luminance);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${element.textContent.trim().slice(0, 40)} (${ratio.toFixed(2)})`);
  }
  return faint;
}
"""


def faint_texts(page: playwright.Page) -> list[str]:
    """What is written with less contrast than WCAG's level AA asks for."""
    return page.evaluate(FAINT)


def overflow(page: playwright.Page) -> float:
    """By how many pixels the page is wider than its window."""
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
