"""`Browser`: keeps cookies, follows nothing by itself, and looks at each answer of the app."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from authkit import errors
from loadtest.tally import Tally

__all__ = ["Answer", "Browser", "Place"]

TIMEOUT = 60
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SHOWN_CODE = re.compile(r"Error <code>([a-z_]+)</code>")
SHOWN_REFERENCE = re.compile(r"Reference <code>([0-9a-f]+)</code>")
MOST_COOKIES = 10
MOST_COOKIE_BYTES = 4096


def _statuses() -> Mapping[str, int]:
    classes = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.AuthkitError)
    ]
    return {kind.code: kind.status for kind in reversed(classes)}


STATUSES = _statuses()
"""The status of each documented code."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything is.

    Attributes:
        app: the origin of the app.
        provider: the origin of the provider.
        ca_bundle: the file with the certificate by which the provider is known.
    """

    app: str
    provider: str
    ca_bundle: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the app, or of the provider.

    Attributes:
        status: the HTTP status.
        code: the error code that it shows; ``ok`` for an answer that is no error.
        reference: the correlation id that it shows.
        location: where it sends the browser, in full; "" for nowhere.
        text: the body.
        seconds: how long it took.
    """

    status: int
    code: str
    reference: str
    location: str
    text: str = field(repr=False)
    seconds: float

    @property
    def is_fine(self) -> bool:
        """Whether it is no error."""
        return self.code == "ok"


class Browser:
    """One browser, with cookies of its own.

    Args:
        place: where the app and the provider are.
        tally: counts what the app answers.
    """

    def __init__(self, place: Place, tally: Tally) -> None:
        self.place = place
        self._tally = tally
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = place.ca_bundle
        self._session.mount(place.provider, HTTPAdapter(max_retries=Retry(connect=2, read=1, redirect=0)))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask_app(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] = NAVIGATION
    ) -> Answer:
        """Return what the app answers at a path, or at an address of its; a form is posted."""
        url = urljoin(self.place.app, path)
        answer = self._ask(
            url,
            form,
            {**headers, "Sec-Fetch-Site": "same-origin", "Origin": self.place.app} if form is not None else headers,
        )
        self._check(answer, url)
        return answer

    def ask_provider(self, url: str, form: Mapping[str, str] | None = None) -> Answer:
        """Return what the provider answers; a form is posted."""
        return self._ask(url, form, NAVIGATION)

    def forget_provider(self) -> None:
        """Sign out at the provider."""
        for cookie in [cookie for cookie in self._session.cookies if not self._is_apps(cookie)]:
            self._session.cookies.clear(cookie.domain, cookie.path, cookie.name)

    def app_cookies(self) -> dict[str, str]:
        """Return the cookies that the app has set; requests itself would keep expired ones, and not send them."""
        self._session.cookies.clear_expired_cookies()
        return {cookie.name: cookie.value or "" for cookie in self._session.cookies if self._is_apps(cookie)}

    def is_provider(self, url: str) -> bool:
        """Whether an address is the provider's."""
        return url.startswith(self.place.provider + "/")

    def is_app(self, url: str) -> bool:
        """Whether an address is the app's."""
        return url.startswith(self.place.app + "/")

    def _is_apps(self, cookie: Any) -> bool:
        return str(cookie.domain).startswith("localhost")

    def _ask(self, url: str, form: Mapping[str, str] | None, headers: Mapping[str, str]) -> Answer:
        began = time.perf_counter()
        method = "GET" if form is None else "POST"
        said = self._session.request(
            method, url, data=form, headers=dict(headers), allow_redirects=False, timeout=TIMEOUT
        )
        seconds = time.perf_counter() - began
        code, reference = "ok", ""
        if said.status_code >= 400:
            code = next(iter(SHOWN_CODE.findall(said.text)), "")
            reference = next(iter(SHOWN_REFERENCE.findall(said.text)), "")
        location = said.headers.get("Location", "")
        return Answer(
            said.status_code, code, reference, urljoin(url, location) if location else "", said.text, seconds
        )

    def _check(self, answer: Answer, url: str) -> None:
        """Note what no answer of the app may be, and what its cookies come to."""
        where = url.partition("?")[0]
        if not answer.is_fine and STATUSES.get(answer.code) != answer.status:
            self._tally.breach(
                f"{where} answered {answer.status} with the code {answer.code!r}: {answer.text[:200]!r}"
            )
        cookies = {name: value for name, value in self.app_cookies().items() if name.startswith("authkit-")}
        size = sum(len(name) + len(value) for name, value in cookies.items())
        if len(cookies) > MOST_COOKIES or size > MOST_COOKIE_BYTES:
            self._tally.breach(f"{where} left {len(cookies)} cookies for logins, of {size} bytes")
        self._tally.answered(answer.seconds, len(cookies), size)
