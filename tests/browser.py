"""A real browser: Debian's Chromium, driven by Playwright. Started once, with a fresh visitor for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from conftest import needs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

__all__ = ["Look", "NewVisitor", "Visitor", "chromium", "new_visitor", "visitor"]

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
"""The first has no window to draw, and takes a third of the time for a page."""
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT = 10_000

LOOK = """() => {
    const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const paint = (colours) => {
        for (const colour of colours) { pixel.fillStyle = colour; pixel.fillRect(0, 0, 1, 1) }
        return [...pixel.getImageData(0, 0, 1, 1).data.slice(0, 3)];
    };
    const luminance = (colours) => paint(colours).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const faint = [];
    for (const element of document.body.querySelectorAll("*")) {
        const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join("");
        if (!text.trim() || element.closest("[aria-hidden=true]")) continue;
        const behind = ["white"];
        for (let node = element; node; node = node.parentElement)
            behind.splice(1, 0, getComputedStyle(node).backgroundColor);
        const pair = [luminance(behind), luminance([...behind, getComputedStyle(element).color])];
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${text.trim().slice(0, 40)}`);
    }
    const root = document.documentElement;
    return {
        overflow: root.scrollWidth - root.clientWidth,
        brightness: luminance(["white", getComputedStyle(document.body).backgroundColor]),
        faint,
    };
}"""


@dataclass(frozen=True)
class Look:
    """How a page looks.

    Attributes:
        overflow: how many pixels do not fit into the window's width.
        brightness: how bright the page's ground is, from 0 to 1.
        faint: the texts whose contrast with what is behind them is under 4.5, where WCAG 2 draws the line.
    """

    overflow: int
    brightness: float
    faint: list[str]


@dataclass
class Visitor:
    """Somebody with a browser of their own: its cookies, its tabs, and all that it complains of.

    Attributes:
        context: the browser.
        hosts: every host that it asked for anything.
        complaints: what it wrote to its console, violations of a security policy included.
    """

    context: BrowserContext
    hosts: set[str | None] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    _pages: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(TIMEOUT)
        self.context.on("request", self._see_request)
        self.context.on("console", self._see_message)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _see_request(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname)
        if request.is_navigation_request():
            self._pages.add(request.url)

    def _see_message(self, message: ConsoleMessage) -> None:
        # Chromium complains of a page that has an error status, as ours are meant to, and of a site without an icon.
        about = message.location["url"]
        is_status = message.text.startswith("Failed to load resource: the server responded with a status of 4")
        if urlsplit(about).path != "/favicon.ico" and not (is_status and about in self._pages):
            self.complaints.append(f"{message.type}: {message.text} ({about})")

    def open(self, url: str) -> Page:
        """Open `url` in a new tab."""
        page = self.context.new_page()
        page.goto(url)
        return page

    @staticmethod
    def look(page: Page) -> Look:
        """Look at a page."""
        return Look(**page.evaluate(LOOK))


NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give a browser process, one for all tests."""
    needs(CHROMIUM, "chromium")
    needs(find_spec("playwright"), "playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET), headless=True)
        yield browser
        browser.close()


@pytest.fixture
def new_visitor(chromium: Browser) -> Iterator[NewVisitor]:
    """Give what makes a visitor; the options are those of Playwright's ``new_context``.

    Whatever a test does: no page may make the browser complain, nor ask for anything beyond this machine.
    """
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        visitors.append(Visitor(chromium.new_context(**options)))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
    assert {host for visitor in visitors for host in visitor.hosts} <= {"127.0.0.1", "localhost"}


@pytest.fixture
def visitor(new_visitor: NewVisitor) -> Visitor:
    """Give somebody who has never been here."""
    return new_visitor()
