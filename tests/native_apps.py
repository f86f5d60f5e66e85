"""Pyramid applications with native apps, and a phone that calls them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from account_apps import ADA, AccountApp, checksum, count, kept_in
from fakes import state_of
from native_world import CHALLENGE, VERIFIER, NativeWorld, query_of
from pyramid_apps import CODE, Answer, answer_of, assert_safe_headers, call, everything_logged
from webtest import TestApp, TestResponse

from authkit.accounts import Database
from authkit.accounts.schema import claims

JSON_TYPE = "application/json"
NAMES = {
    400: "ApplicationError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}


class PhoneApp(AccountApp):
    """An app with accounts and native apps; see `NativeWorld` for which apps there are."""

    def __init__(self, new_world: Any, database: Database, *after: Any, settings: Any = None, **options: Any) -> None:
        before = options.pop("before", [kept_in(database), "authkit.pyramid.native"])
        super().__init__(
            new_world,
            database,
            *after,
            before=before,
            settings={**NativeWorld.usual(), **(settings or {})},
            **options,
        )
        self.secrets: set[str] = {VERIFIER}

    # The system browser.

    def start(self, browser: TestApp, app: str = "phone", *, challenge: str = CHALLENGE, state: str = "s") -> str:
        """Begin a login, and return the state that the provider got."""
        path = self.world.path("/acme/native", app=app, challenge=challenge, state=state)
        return state_of(browser.get(path, status=302).location)

    def callback(self, state: str, **query: str) -> str:
        """Return the address that the provider sends the browser to."""
        return self.world.path("/acme/native/callback", **(query or {"code": CODE}), state=state)

    def link(self, app: str = "phone", *, person: tuple[str, str] = ADA, state: str = "s", **query: str) -> str:
        """Go through a login in the system browser, and return the link that it ends with."""
        self.become(person)
        browser = self.world.browser()
        response = browser.get(self.callback(self.start(browser, app, state=state), **query), status=303)
        assert response.body == b""
        return str(response.location)

    def ticket(self, **options: Any) -> str:
        """Return the ticket of a login that went well."""
        ticket = query_of(self.link(**options))["ticket"]
        self.secrets.add(ticket)
        return ticket

    # The phone.

    def post(self, path: str, sent: Any, *, bearer: str = "", status: int = 200, **headers: str) -> TestResponse:
        """Send JSON, and return the answer."""
        all_headers = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **headers}
        return TestApp(self.world.app, extra_environ=self._environ()).post_json(
            self.world.path(path), sent, headers=all_headers, status=status
        )

    def sign_in(self, **options: Any) -> dict[str, Any]:
        """Sign in, and return the answer."""
        answer = self.post("/acme/connect", {"ticket": self.ticket(**options), "verifier": VERIFIER}).json
        self.secrets |= {answer["jwt"], answer["refresh_token"]}
        return answer

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] = b"",
        *,
        bearer: str = "",
        kind: str = JSON_TYPE,
        **environ: str,
    ) -> Answer:
        """Send whatever request to a path behind the prefix."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        path, _, query = self.world.path(path).partition("?")
        own = {"HTTP_AUTHORIZATION": f"Bearer {bearer}"} if bearer else {}
        return call(self.world.app, path, query, method=method, body=content, CONTENT_TYPE=kind, **own, **environ)

    def refused_phone(self, status: int, code: str, *request: Any, claimed: int = 0, **options: Any) -> Answer:
        """Send a request as `ask` does, and check what holds of every refusal: see `check_failure`.

        Nothing is stored, nothing is used up besides `claimed`, and nothing secret is said.
        """
        before = self._stored()
        answer = self.ask(*request, **options)
        self.check_failure(answer, status, code)
        stored, used, told, lines = before
        assert self._stored() == (stored, used + claimed, told + 1, lines + 1)
        return answer

    def check_failure(self, answer: Answer, status: int, code: str) -> None:
        """Check the form of a failure, its headers, its line in the log, and that nothing secret is anywhere."""
        assert answer.status == status, answer.text
        assert_safe_headers(answer)
        assert answer.get("Content-Type") == "application/json"
        assert (answer.get("WWW-Authenticate") is not None) == (code == "token_invalid")
        assert answer.all("Set-Cookie") == []
        content = json.loads(answer.body)
        message, reference = content["error"]["message"], content["error"]["details"]["correlation_id"]
        details = {"code": code, "correlation_id": reference}
        error = {"status": status, "name": NAMES[status], "message": message, "details": details}
        assert content == {"data": None, "error": error}
        assert re.fullmatch("[0-9a-f]{16}", reference)
        line = self.world.audit[-1]
        assert f"outcome=failure code={code} " in line
        assert f"ref={reference} " in line
        assert line.isascii()
        assert line.isprintable()
        self.assert_nothing_secret(answer)

    def assert_nothing_secret(self, answer: Answer | None = None) -> None:
        """Check that no secret is in `answer`, nor in anything that was logged."""
        given = {chunk.hex() for chunk in self.world.random.given if len(chunk) >= 32}
        everything = everything_logged(self.world.caplog.records)
        said = f"{answer.headers}{answer.text}" if answer else ""
        for canary in self.world.canaries | self.secrets | given:
            for form in {canary, quote(canary, safe="")}:
                assert form not in said
                assert form not in everything

    def _stored(self) -> tuple[Any, int, int, int]:
        return checksum(self.database), count(self.database, claims), len(self.world.told), len(self.world.audit)

    @staticmethod
    def _environ() -> dict[str, str]:
        return {"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"}


def refused_page(app: PhoneApp, browser: TestApp, path: str, code: str) -> TestResponse:
    """Ask for a page in the system browser, which must be refused with a page of ours."""
    response = browser.get(path, expect_errors=True)
    app.world.assert_refusal(answer_of(response), code)
    assert "Location" not in response.headers
    return response
