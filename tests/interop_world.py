"""Apps that sign in by clients which others wrote, in processes of their own, and the emulator they sign in at."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from conftest import needs

from authkit.emulator import Recorded, serve
from authkit_tiktok.emulator import App, TikTokEmulator

__all__ = [
    "ADA",
    "BASIC",
    "PROFILE",
    "STATS",
    "World",
    "named_rule",
    "node_command",
    "running",
    "unsigned",
    "world_of",
]

INTEROP = Path(__file__).parent / "interop"
NODE = shutil.which("node")
TIKTOK = "https://www.tiktok.com"
BASIC, PROFILE, STATS = "user.info.basic", "user.info.profile", "user.info.stats"
ADA = TikTokEmulator().users[0]
SECONDS = 20


def named_rule(recorded: Recorded) -> str | None:
    """Return the id of the rule that the request broke, as the emulator names it."""
    broken = getattr(recorded, "broken", None)
    return broken.id if broken else None


def unsigned(avatar: str | None) -> str:
    """Return an avatar's address without its signature, which is another one each time."""
    return (avatar or "").partition("?")[0]


@dataclass(frozen=True)
class Browser:
    """A browser without script. It keeps the cookies of each server apart, which by the standard know no ports."""

    emulator: str
    _sessions: dict[str, requests.Session] = field(default_factory=dict)

    def send(self, method: str, url: str, **content: Any) -> requests.Response:
        """Send a request, follow its redirects, and return where they end. TikTok is at the emulator."""
        response = self._send(method, url, **content)
        for _ in range(10):
            if not response.is_redirect:
                return response
            response = self._send("GET", urljoin(response.url, response.headers["Location"]))
        raise AssertionError(f"too many redirects, the last one to {response.headers['Location']}")

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions.values():
            session.close()

    def _send(self, method: str, url: str, **content: Any) -> requests.Response:
        url = url.replace(TIKTOK, self.emulator, 1) if url.startswith(f"{TIKTOK}/") else url
        session = self._sessions.setdefault(urlsplit(url).netloc, requests.Session())
        session.trust_env = False
        return session.request(method, url, allow_redirects=False, timeout=SECONDS, **content)


@dataclass(frozen=True)
class World:
    """A foreign app, the emulator that it signs in at, and a visitor's browser.

    Attributes:
        app: the origin of the app.
    """

    app: str
    emulator: TikTokEmulator
    browser: Browser

    def get(self, path: str) -> requests.Response:
        """Open a page of the app."""
        return self.browser.send("GET", self.app + path)

    def post(self, path: str, **content: Any) -> requests.Response:
        """Send something to the app, as one of its own pages would."""
        return self.browser.send("POST", self.app + path, headers={"Origin": self.app}, **content)

    def consent(self, page: requests.Response, *scopes: str) -> requests.Response:
        """Continue on the consent page as Ada with these boxes ticked, and return where it leads."""
        assert 'id="consent"' in page.text, f"{page.url}\n{page.text}"
        form = [("user", ADA.open_id), *(("scope", scope) for scope in scopes), ("decision", "allow")]
        return self.browser.send("POST", page.url, data=form)

    def sent(self, endpoint: str) -> Sequence[Recorded]:
        """Return what was sent to an endpoint of the emulator, oldest first."""
        return [recorded for recorded in self.emulator.requests if recorded.endpoint == endpoint]


def command_of(client: str) -> Sequence[str]:
    """Return what runs a client's app: Django, or a script for node with TikTok's hosts replaced where it must be."""
    if client == "allauth":
        needs(find_spec("allauth"), "django-allauth, which `make test` installs")
        return [sys.executable, "allauth_site.py"]
    return node_command("--import", "./endpoints.mjs", f"{client}.mjs")


def node_command(*arguments: str) -> Sequence[str]:
    """Return what runs node in the folder of the foreign apps."""
    needs(NODE, "node")
    needs((INTEROP / "node_modules").is_dir(), "the npm packages that `make test` installs where npm is")
    return [str(NODE), *arguments]


@contextmanager
def running(command: Sequence[str], settings: Mapping[str, Any]) -> Iterator[str]:
    """Run a foreign app while the block lasts, and give its origin, which is the first line that it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environ["INTEROP"] = json.dumps(settings)
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=INTEROP,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with process:
            try:
                yield read_origin(process)
            finally:
                process.kill()
                process.wait(SECONDS)
                errors.seek(0)
                sys.stderr.write(errors.read())  # pytest shows it beside a failure


def read_origin(process: subprocess.Popen[str]) -> str:
    """Return the first line that the app prints, which it has to do soon."""
    ready, _, _ = select.select([process.stdout], [], [], SECONDS)
    origin = process.stdout.readline().strip() if ready and process.stdout else ""
    assert origin.startswith("http://127.0.0.1:"), f"the app did not start: {process.args}"
    return origin


@contextmanager
def world_of(client: str, *, platform: Any = "web", **settings: Any) -> Iterator[World]:
    """Start the app of a client, whose own settings these are, and an emulator with an app of that platform."""
    command = command_of(client)
    registered = App("awinterop0001", "secret-of-the-app", (BASIC, PROFILE, STATS), platform=platform)
    emulator = TikTokEmulator(apps=(registered,))
    own = {"client_key": registered.client_key, "client_secret": registered.client_secret}
    with serve(emulator, port=0) as provider:
        given = {"emulator": provider.origin, **own, **settings}
        with running(command, given) as app, closing(Browser(provider.origin)) as browser:
            yield World(app, emulator, browser)
