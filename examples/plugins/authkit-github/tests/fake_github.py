"""GitHub as its documentation describes it, as far as a login goes; and an app that signs in there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import authkit_github

from authkit import AuthKit, Login
from authkit.emulator import Answer, Request, WsgiTransport, read_request
from authkit.plugins import load_plugins

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

USER = {
    "login": "octo",
    "id": 583231,
    "name": "Octavia Example",
    "avatar_url": "https://avatars.example/u/583231",
    "email": None,
}
EMAILS = [
    {"email": "old@octo.example", "primary": False, "verified": True, "visibility": None},
    {"email": "octavia@octo.example", "primary": True, "verified": True, "visibility": "private"},
]
TOKEN = {"access_token": "gho_canary", "token_type": "bearer", "scope": "user:email"}


class FakeGitHub:
    """Answers what it is told to, by path, and remembers what it was asked.

    The token endpoint answers a form unless JSON is asked for, and HTTP 200 even when it refuses.
    """

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {"access_token": TOKEN, "user": USER, "emails": EMAILS, **answers}
        self.status = 200
        self.requests: list[Request] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        self.requests.append(request)
        answer = self.answers[request.path.rpartition("/")[2]]
        if request.headers.get("Accept") != "application/json":
            return Answer(200, urlencode(answer).encode()).send(start_response)
        headers = (("Content-Type", "application/json; charset=utf-8"),)
        status = 200 if request.path == "/login/oauth/access_token" else self.status
        return Answer(status, json.dumps(answer).encode(), headers).send(start_response)


class App:
    """An app whose people sign in with GitHub, and the browser of one of them."""

    def __init__(self, github: FakeGitHub, **settings: str) -> None:
        self.github = github
        own = {"client_id": "Iv1.canary", "client_secret": "canary-secret", **settings}
        self.kit = AuthKit.from_settings(
            {
                "authkit.secret": "a-secret-of-an-app-that-exists-in-tests-only",
                "authkit.base_url": "https://app.example",
                **{f"authkit.github.{name}": value for name, value in own.items()},
            },
            transport=WsgiTransport(github),
            plugins=load_plugins(found=(), extra=[authkit_github]),
            environ={},
        )

    def begin(self, **options: Any) -> dict[str, str]:
        """Go to GitHub, and return what it is asked."""
        self.begun = self.kit.begin("github", **options)
        return {name: values[0] for name, values in parse_qs(urlsplit(self.begun.url).query).items()}

    def sign_in(self, **params: str) -> Login:
        """Sign in; `params` is what the callback has instead of a code."""
        state = self.begin()["state"]
        query = urlencode({**(params or {"code": "canary-code"}), "state": state})
        return self.kit.complete("github", query, self.begun.cookies).login
