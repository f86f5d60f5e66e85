"""A provider with a token endpoint, user info and a page, on a workbench, to be disturbed by faults."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from authkit.emulator import AdjustableClock, Answer, Endpoint, Switchboard, Workbench, WsgiTransport

NOON = 1795262400.0  # 2026-11-21 12:00:00 UTC
TOKEN = {"access_token": "act.1", "expires_in": 3600, "fresh": True, "hint": None, "scopes": ["a", 1]}
USER = {"data": {"users": [{"id": "ada", "name": "Ada"}]}, "error": {"code": "ok"}}
ERROR = {"error": "server_error", "log_id": "7"}
PAGE = "<h1>Consent</h1>"


@dataclass(frozen=True, slots=True)
class NoSwitches:
    """None."""


class Provider:
    """Counts what it processes, and notes its time while it does.

    Attributes:
        processed: the endpoints whose work was done.
        times: what the clock said meanwhile.
    """

    def __init__(self, *faults, **options):
        self.processed, self.times = [], []
        self.clock = AdjustableClock(lambda: NOON)
        self.workbench = Workbench(
            "Faulty",
            [
                Endpoint("token", "POST", ("/token",), self._answering("token", Answer.json(TOKEN)), self._fail),
                Endpoint("userinfo", "GET", ("/me",), self._answering("userinfo", Answer.json(USER))),
                Endpoint("consent", "GET", ("/consent",), self._answering("consent", Answer.page(PAGE))),
                Endpoint("leave", "GET", ("/leave",), self._answering("leave", Answer.redirect("/consent"))),
            ],
            clock=self.clock,
            switches=Switchboard(NoSwitches()),
            faults=faults,
            **options,
        )

    def __call__(self, environ, start_response):
        return self.workbench(environ, start_response)

    def _answering(self, name, answer):
        def work(request):
            self.processed.append(name)
            self.times.append(self.clock())
            return answer

        return work

    @staticmethod
    def _fail():
        return Answer.json(ERROR, 500)


def open_session(adapter=None):
    """A session that reads nothing from the environment, on the network or on `adapter`."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://") if adapter else ():
        session.mount(scheme, adapter)
    return session


def ask(provider, path="/token", method="POST", **options):
    """Send one request to a provider that is in this process."""
    return open_session(WsgiTransport(provider)).request(
        method, f"https://acme.example{path}", allow_redirects=False, **options
    )
