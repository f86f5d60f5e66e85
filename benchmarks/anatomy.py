"""Where the time of a login goes: whose code the processor is in, looked at every millisecond of its time.

    .venv/bin/python benchmarks/anatomy.py [--logins 8000] [--checkout ../before]

The app is called within the process, so no server takes part; the provider is another process, behind TLS. A look
counts for the innermost code that has a row of its own: what urllib.parse does counts for whoever calls it. Profilers
that count calls make small functions large; this one only looks.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from environments import PEERS, ROOT, TLS, make_certificates
from processes import provider
from provider import CLIENT_ID, CLIENT_SECRET, SITE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WARM_UP = 50
ROWS = {
    "OpenSSL and the kernel: writing, reading": ("/ssl.py",),
    "http.client, email: a request, the head of an answer": ("/http/client.py", "/email/"),
    "urllib3": ("/urllib3/",),
    "requests": ("/requests/",),
    "requests-oauthlib, oauthlib": ("/requests_oauthlib/", "/oauthlib/"),
    "Pyramid, WebOb": ("/pyramid/", "/webob/", "/zope/"),
    "authkit.pyramid": ("/authkit/pyramid/",),
    "authkit: connections, deadlines, breakers": tuple(
        f"/authkit/{name}.py"
        for name in (
            *("answer", "body", "breaker", "connection", "deadline", "pool", "providersession", "proxy"),
            *("resolver", "tls", "transport"),
        )
    ),
    "authkit: the transaction, sealed and claimed": tuple(
        f"/authkit/{name}.py" for name in ("cookies", "keyring", "pkce", "seal", "transactions")
    ),
    "authkit: all else, the reading of answers above all": ("/authkit/", "/authkit_tiktok/"),
}
"""Whose code it is, by a part of the file's path. A row of the adapter stands before that of Pyramid's own files."""


def row_of(path: str) -> str | None:
    """Return the row that a file counts for; the longest part of its path that any row names decides."""
    fitting = [(len(part), row) for row, parts in ROWS.items() for part in parts if part in path]
    return max(fitting)[1] if fitting else None


class Looks:
    """Looks at the code that an app is running, every millisecond of CPU. It is the app to whoever calls it.

    Attributes:
        rows: how many looks counted for each row.
        seconds: the CPU that the app has taken.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self.rows: Counter[str] = Counter()
        self.seconds = 0.0
        self._app = app
        self._known: dict[str, str | None] = {}
        self._is_inside = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, self._is_inside = time.process_time(), True
        try:
            return self._app(environ, start_response)
        finally:
            self._is_inside = False
            self.seconds += time.process_time() - began

    def start(self) -> None:
        """Begin to look."""
        self.seconds = 0.0
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)

    def stop(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        while self._is_inside and frame is not None:
            path = frame.f_code.co_filename
            row = self._known.setdefault(path, row_of(path))
            if row is not None:
                self.rows[row] += 1
                return
            frame = frame.f_back


def log_in(app: WSGIApplication, start: str, user: str) -> None:
    """Log somebody in, and check that it is that user."""
    from webtest import TestApp

    environ = {"wsgi.url_scheme": "https", "HTTP_HOST": urlsplit(SITE).netloc}
    browser = TestApp(app, extra_environ=environ, lint=False)
    asked = parse_qs(urlsplit(browser.get(start, status=302).location).query)
    callback = urlsplit(asked["redirect_uri"][0]).path
    [challenge], [state] = asked["code_challenge"], asked["state"]
    browser.get(callback, {"code": f"{user}~{challenge}", "state": state}, status=303)
    if browser.get("/me").json != {"user": user}:
        raise SystemExit(f"{user} is not who is signed in")


def main() -> None:
    """Look at so many logins, and print the rows in microseconds a login."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logins", type=int, default=8000)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the authkit to look at")
    given = parser.parse_args()
    sys.path[:0] = [str(given.checkout.resolve()), str(PEERS / "authkit")]
    make_certificates()
    module = importlib.import_module("app")
    with provider(Path(sys.executable)) as running:
        where = SITE, running.origin("https"), CLIENT_ID, CLIENT_SECRET
        looks = Looks(module.make_app(*where, **{"authkit.ca_bundle": str(TLS / "root.pem")}))
        for number in range(WARM_UP):
            log_in(looks, module.START, f"early-{number}")
        looks.start()
        for number in range(given.logins):
            log_in(looks, module.START, f"user-{number}")
        looks.stop()
    share = looks.seconds / given.logins / looks.rows.total() * 1e6
    for row in ROWS:
        print(f"{looks.rows[row] * share:8.0f} µs  {row}")
    print(f"{looks.rows.total() * share:8.0f} µs")


if __name__ == "__main__":
    main()
