"""A browser without a screen: it signs in over real HTTP, as a person would, and times each leg."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

__all__ = ["Leg", "sign_in"]

TIMEOUT = 20


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg of a login.

    Attributes:
        name: what it was.
        status: the HTTP status of its answer.
        seconds: how long it took.
    """

    name: str
    status: int
    seconds: float


class _Form(HTMLParser):
    """Reads what a form would send if its first choice were taken and every box ticked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field over."""
        given = dict(attrs)
        name, value = given.get("name"), given.get("value") or ""
        is_first = name not in dict(self.fields)
        if name and tag in ("input", "button") and (is_first or given.get("type") == "checkbox"):
            self.fields.append((name, value))


class _StrandedError(Exception):
    """An answer that should have sent the browser on did not."""


def sign_in(start_url: str) -> tuple[list[Leg], requests.Response | None]:
    """Sign in by following `start_url`, consenting at the emulator, and going where the app sends the browser.

    Returns:
        the legs, and the page of the app at the end; None when a leg did not lead on.
    """
    legs: list[Leg] = []
    with requests.Session() as browser:
        browser.trust_env = False

        def leg(name: str, method: str, url: str, form: list[tuple[str, str]] | None = None) -> requests.Response:
            began = time.perf_counter()
            answer = browser.request(method, url, data=form, allow_redirects=False, timeout=TIMEOUT)
            legs.append(Leg(name, answer.status_code, time.perf_counter() - began))
            return answer

        try:
            page = leg("consent page", "GET", _next_url(leg("start", "GET", start_url)))
            given = leg("consent", "POST", page.url, _Form(page.text).fields)
            done = leg("callback", "GET", _next_url(given))
            return legs, leg("profile", "GET", _next_url(done))
        except _StrandedError:
            return legs, None


def _next_url(answer: requests.Response) -> str:
    if "Location" not in answer.headers:
        raise _StrandedError
    return urljoin(answer.url, answer.headers["Location"])
