"""A desktop: an app at the emulated TikTok, and a browser that does what a test says."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authkit import Login
from authkit.errors import AuthkitError
from authkit.native.loopback import login
from authkit_tiktok.emulator import App, TikTokEmulator

KEY, SECRET = "sbawdesktop00001", "canary-client-secret"
SCOPES = ("user.info.basic", "user.info.profile")
REGISTERED = "http://127.0.0.1:*/callback/"
SECONDS = 30
TIME_TO_CONNECT = 10


def desktop_emulator(**options: Any) -> TikTokEmulator:
    """Return TikTok with one app, a desktop app as the docs have it registered."""
    app = App(KEY, SECRET, SCOPES, (REGISTERED,), "desktop")
    return TikTokEmulator(apps=[app], **options)


def settings_at(emulator, origin):
    return {f"authkit.tiktok.{key}": value for key, value in emulator.settings(origin).items()}


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def port_of(url):
    """Return the port that an authorization URL, or a callback's address, names."""
    return urlsplit(query_of(url).get("redirect_uri", url)).port


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=TIME_TO_CONNECT)


@dataclass(frozen=True)
class Answer:
    """What came back on a connection until it was closed."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def text(self):
        """What a reader sees of the page."""
        main = self.body.partition("<main>")[2].partition("</main>")[0]
        return " ".join(re.sub("<[^>]*>", " ", main).split())


def read_answer(connection):
    content = b""
    while came := connection.recv(65536):
        content += came
    head, _, body = content.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return Answer(int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body)


def send(port, content):
    """Send `content` as it is, and return the answer."""
    with connect(port) as connection:
        connection.sendall(content)
        return read_answer(connection)


def get(url, host=None, method="GET"):
    """Open a local address as a browser does, but leave no log as an HTTP library does."""
    parts = urlsplit(url)
    lines = [f"{method} {parts.path}?{parts.query} HTTP/1.1", f"Host: {host or parts.netloc}", "Accept: text/html"]
    return send(parts.port, "\r\n".join([*lines, "", ""]).encode())


@dataclass
class Attempt:
    """How a login went.

    Attributes:
        login: the login, None if there is none.
        error: why there is none.
        seen: what the browser's script returned.
        announced: the addresses that were announced.
    """

    login: Login | None = None
    error: AuthkitError | None = None
    seen: Any = None
    announced: list[str] = field(default_factory=list)

    @property
    def port(self):
        return port_of(self.announced[0])


def attempt(kit, script, name="tiktok", timeout=SECONDS, **options):
    """Sign in with a browser that does what `script` says of the address, and see that it came to its end."""
    done, failures = Attempt(), []

    def browse(url):
        try:
            done.seen = script(url)
        except BaseException as exc:  # noqa: BLE001 - it is raised again, where the test sees it
            failures.append(exc)

    try:
        done.login = login(kit, name, timeout=timeout, open_browser=browse, announce=done.announced.append, **options)
    except AuthkitError as error:
        done.error = error
    if failures:
        raise failures[0]
    return done
