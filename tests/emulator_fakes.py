"""A provider of nothing much on a workbench, to test what every emulator shares."""

from __future__ import annotations

import io
from dataclasses import dataclass
from urllib.parse import urlencode

from authkit.emulator import (
    Action,
    AdjustableClock,
    Answer,
    Endpoint,
    Recorded,
    Rule,
    Switchboard,
    Table,
    Workbench,
    switch,
)

NOON = 1795262400.0  # 2026-11-21 12:00:00 UTC
SECRET = "acme-secret-that-nobody-may-see"
TOKEN = "act.0123456789abcdefghijklmnop"
RULE = Rule("A7", "The redirect URI of the token request is that of the login.", "Tokens", "https://acme.example/doc")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcmeSwitches:
    """One of each kind."""

    rotation: bool = switch(True, "Whether a refresh replaces the refresh token.")
    lifetime: int = switch(3600, "Seconds for which an access token works.")
    status: str = switch("200", "The status of errors.", choices=("200", "rfc"))


def acme_authorize(request):
    return Answer.redirect(f"https://app.example/cb?{urlencode({'code': TOKEN, 'state': request.query['state']})}")


def acme_token(request):
    if request.form.get("redirect_uri") != "https://app.example/cb":
        return Answer.json({"error": "invalid_request"}).refused("invalid_request", RULE)
    return Answer.json({"access_token": TOKEN})


def acme_userinfo(request):
    return Answer.json({"id": "ada", "name": "Ada"})


def disconnect(fields):
    if fields["user"] != "ada":
        raise ValueError(f"there is no user {fields['user']!r}")
    return "Ada is disconnected"


TABLES = (
    Table(
        "Apps",
        ("client id", "secret", "platform"),
        (("acme-1", SECRET, "web"), ("acme-2", "short", "desktop")),
        frozenset({"secret"}),
    ),
    Table("Tokens", ("token", "user"), ()),
)

ENDPOINTS = (
    Endpoint("authorize", "GET", ("/authorize", "/authorize/"), acme_authorize),
    Endpoint("token", "POST", ("/token",), acme_token),
    Endpoint("userinfo", "GET", ("/me",), acme_userinfo),
)

ACTIONS = (
    Action("disconnect", "Take back what a user allowed", ("user", "app"), disconnect),
    Action("restart", "End every session", (), lambda fields: "every session has ended"),
)


def make_workbench(endpoints=ENDPOINTS, **options):
    """Make the emulator of Acme, at noon unless a clock is given."""
    settings = {"tables": lambda: TABLES, "actions": ACTIONS, "clock": AdjustableClock(lambda: NOON)}
    return Workbench("Acme", endpoints, switches=Switchboard(AcmeSwitches()), **{**settings, **options})


def call(app, method, path, *, query="", body=b"", content_type="", **headers):
    """Send a request, with ``127.0.0.1:8787`` as its host, and return status, headers and body."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    sent = {"Host": "127.0.0.1:8787", **{name.replace("_", "-"): value for name, value in headers.items()}}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items() if value is not None}
    started = []
    answer = b"".join(app(environ, lambda status, fields: started.append((status, dict(fields)))))
    return int(started[0][0][:3]), started[0][1], answer


def post_form(app, path, **form):
    """Send a form, as an app does."""
    return call(app, "POST", path, body=urlencode(form).encode(), content_type="application/x-www-form-urlencoded")


def recorded(**changes):
    """Return a record of a request."""
    plain = {"number": 1, "at": NOON, "endpoint": "token", "method": "POST", "path": "/token", "status": 200}
    return Recorded(**{**plain, "query": {}, "form": {}, "headers": {}, **changes})
