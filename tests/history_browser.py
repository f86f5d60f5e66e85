"""A browser that meets several servers under one address, and looks at every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fakes import BASE_URL, state_of
from history_model import LIFETIME
from history_site import SERVER, Site
from history_values import Tab, Visitor
from native_world import LINK, query_of
from pyramid_apps import HTTPS, STATUSES, Answer, answer_of, assert_safe_headers, cookies_set
from webtest import TestApp, TestResponse

MOST_COOKIES, MOST_BYTES = 10, 4096
PREFIX = "__Host-authkit-"
DOCUMENTED = {200, 302, 303, *STATUSES.values()}


class Browser:
    """A browser, which reaches whichever server it is led to.

    Attributes:
        visitor: what it should be, by the model.
    """

    def __init__(self, site: Site) -> None:
        self.visitor = Visitor()
        self._site = site
        self._app = TestApp(site, extra_environ=HTTPS)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of logins under way."""
        found = self._app.cookies.items()
        return {name: value.strip('"') for name, value in found if name.startswith(PREFIX)}

    def put_cookie(self, cookie: tuple[str, str]) -> None:
        """Have a cookie that was copied before."""
        self._app.set_cookie(*cookie)

    def get(self, server: int, path: str, **headers: str) -> TestResponse:
        """Ask for a page."""
        environ = {SERVER: server}
        return self._checked(self._app.get(path, headers=headers, extra_environ=environ, expect_errors=True))

    def post(self, server: int, path: str, form: Mapping[str, str]) -> TestResponse:
        """Send a form."""
        return self._checked(self._app.post(path, dict(form), extra_environ={SERVER: server}, expect_errors=True))

    def hand_in(self, server: int, path: str, sent: Mapping[str, str]) -> TestResponse:
        """Send JSON, as an app on a phone does, which gets its secrets in the answer."""
        environ = {SERVER: server}
        response = self._app.post_json(path, dict(sent), extra_environ=environ, expect_errors=True)
        return response if response.status_int == 200 else self._checked(response)

    def _checked(self, response: TestResponse) -> TestResponse:
        answer, location = answer_of(response), response.location or ""
        assert answer.status in DOCUMENTED
        said = f"{answer.headers}{answer.text}"
        if location.startswith(LINK):
            said = said.replace(query_of(location).get("ticket", "no ticket"), "")
        is_start = bool(location) and not location.startswith(BASE_URL)
        self._site.assert_nothing_secret(said, *([state_of(location)] if is_start else []))
        if response.request.path.startswith("/auth"):
            assert_safe_headers(answer)
        _assert_hidden(answer)
        return response


def _assert_hidden(answer: Answer) -> None:
    """Check that no script and no other site gets at the cookie of a login, and that it ends with the login."""
    for name, cookie in cookies_set(answer).items():
        if name.startswith(PREFIX):
            age = str(LIFETIME if cookie.pop("value") else 0)
            hidden = {"max-age": age, "path": "/", "secure": True, "httponly": True, "samesite": "Lax"}
            assert cookie == hidden


def assert_room(newest: Tab, kept: Sequence[Tab], dropped: Sequence[Tab]) -> None:
    """Check that the cookies are few and small enough, and that none but the oldest had to go, for lack of room."""
    size = newest.size + sum(tab.size for tab in kept)
    assert len(kept) < MOST_COOKIES
    assert size <= MOST_BYTES
    if dropped:
        last = max(tab.issued_at for tab in dropped)
        assert all(tab.issued_at >= last for tab in kept)
        largest = max(tab.size for tab in dropped if tab.issued_at == last)
        assert len(kept) == MOST_COOKIES - 1 or size + largest > MOST_BYTES
