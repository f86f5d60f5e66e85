"""Plays complete logins at an app, with many browsers at a time, and checks who each of them signed in.

A login is three requests of a browser that has no cookie yet: the start, the callback with a code for a user of its
own, and ``/me``, which has to answer that user and nobody else. A browser keeps its connection from login to login.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

HEAD_END = b"\r\n\r\n"
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n"
)
PATIENCE = 30.0


@dataclass(frozen=True)
class App:
    """Where an app answers: its port, and the path that starts a login, by GET or, with an empty form, by POST."""

    port: int
    start: str
    method: str = "GET"


@dataclass
class Played:
    """What came of a run.

    Attributes:
        seconds: how long it took.
        times: seconds that each good login took.
        failures: what went wrong, in words.
    """

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return the logins per second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    def percentile(self, percent: int) -> float:
        """Return the seconds that so many percent of the logins took at most."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else float("nan")

    @property
    def p50(self) -> float:
        """Return the seconds of the login in the middle."""
        return median(self.times) if self.times else float("nan")


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> Iterator[str]:
        """Yield the values of a header; `name` is lower case."""
        return (value for key, value in self.headers if key == name)


class LoginError(Exception):
    """A login that did not do what it should."""


class Wire(asyncio.Protocol):
    """One kept-alive connection to an app."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self.is_open = True

    def connection_made(self, transport: Any) -> None:
        """Keep the way out."""
        self._transport = transport

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; its answer is awaited."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiting

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Hand an answer over once it is complete."""
        self._buffer += data
        answer = read_answer(self._buffer)
        if answer and self._waiting and not self._waiting.done():
            self._buffer = b""
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell whoever waits."""
        self.is_open = False
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(LoginError("the app closed the connection"))


def read_answer(data: bytes) -> Answer | None:
    """Return the answer that `data` is, None as long as some of it is missing."""
    end = data.find(HEAD_END)
    if end < 0:
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name.lower(), value.strip()) for name, _, value in pairs)
    body = data[end + len(HEAD_END) :]
    named = dict(headers)
    if named.get("transfer-encoding") == "chunked":
        if not body.endswith(b"0\r\n\r\n"):
            return None
    elif len(body) < int(named.get("content-length", 0)):
        return None
    return Answer(int(first.split(" ", 2)[1]), headers, body)


def without_cookie(attributes: str) -> bool:
    """Tell whether a Set-Cookie with these attributes takes the cookie away."""
    lowered = attributes.lower()
    return "max-age=0" in lowered or "expires=thu, 01 jan 1970" in lowered or "expires=thu, 01-jan-1970" in lowered


class Browser:
    """One browser: a connection, and the cookies of the login under way."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._wire: Wire | None = None
        self._cookies: dict[str, str] = {}

    async def log_in(self, user: str) -> None:
        """Log `user` in, in a browser that has no cookie yet.

        Raises:
            LoginError: something else happened.
        """
        self._cookies.clear()
        authorize = await self.begin()
        await self.finish(callback_of(authorize, user))
        seen = await self.get("/me")
        if seen.status != 200 or f'"{user}"'.encode() not in seen.body:
            raise LoginError(f"{user} was signed in as {seen.status} {seen.body[:80]!r}")

    async def begin(self) -> str:
        """Start a login, and return the authorization URL."""
        return self._location(await self.ask(self._app.method, self._app.start))

    async def finish(self, callback: str) -> None:
        """Come back from the provider."""
        answer = await self.get(callback)
        if self._location(answer).rstrip("/").endswith(("error", "login")):
            raise LoginError("the app sent the user to a page for failures")

    @staticmethod
    def _location(answer: Answer) -> str:
        if not 300 <= answer.status < 400:
            raise LoginError(f"{answer.status} {answer.body[-300:]!r}")
        return next(answer.values("location"))

    async def get(self, target: str) -> Answer:
        """Return the answer to a GET, and keep its cookies."""
        return await self.ask("GET", target)

    async def ask(self, method: str, target: str) -> Answer:
        """Return the answer to a request without a body, and keep its cookies."""
        if self._wire is None or not self._wire.is_open:
            loop = asyncio.get_running_loop()
            _, self._wire = await loop.create_connection(Wire, "127.0.0.1", self._app.port)
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        sent = f"Cookie: {cookies}\r\n" if cookies else ""
        sent += "Content-Length: 0\r\n" if method == "POST" else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self._app.port}\r\n{BROWSER}{sent}\r\n"
        answer = await self._wire.ask(head.encode("latin-1"))
        for line in answer.values("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            self._cookies[name] = value
            if without_cookie(attributes):
                del self._cookies[name]
        return answer

    def close(self) -> None:
        """End the connection."""
        if self._wire is not None:
            self._wire.close()


def callback_of(authorize: str, user: str) -> str:
    """Return the path and query that a provider would send the browser to, had `user` consented."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(authorize).query).items()}
    code = quote(f"{user}~{asked.get('code_challenge', '')}", safe="~")
    path, state = urlsplit(asked["redirect_uri"]).path, quote(asked["state"], safe="")
    return f"{path}?code={code}&state={state}&scopes=user.info.basic"


_numbers = itertools.count(1)


def strangers() -> Iterator[str]:
    """Yield users that no login had before."""
    return (f"user-{number}" for number in _numbers)


async def play(
    app: App,
    *,
    browsers: int,
    logins: int | None = None,
    seconds: float | None = None,
    users: Iterator[str] | None = None,
) -> Played:
    """Play as many logins as are asked for, or for so many seconds, each for a user of its own.

    Args:
        app: where.
        browsers: how many at a time.
        logins: how many, all browsers together.
        seconds: for how long; a login that has begun is played to its end.
        users: who logs in; strangers, each of them once, if nobody is named.
    """
    users = users or strangers()
    played, begun = Played(), itertools.count()
    started = time.perf_counter()
    ends_at = started + (seconds if seconds is not None else 600.0)

    async def browse() -> None:
        browser = Browser(app)
        while time.perf_counter() < ends_at and (logins is None or next(begun) < logins):
            since = time.perf_counter()
            try:
                await asyncio.wait_for(browser.log_in(next(users)), PATIENCE)
                played.times.append(time.perf_counter() - since)
            except (LoginError, OSError, asyncio.TimeoutError, StopIteration) as error:
                played.failures.append(f"{type(error).__name__}: {error}")
                browser.close()
        browser.close()

    await asyncio.gather(*(browse() for _ in range(browsers)))
    played.seconds = time.perf_counter() - started
    return played
