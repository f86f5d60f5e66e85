"""How many complete logins the TikTok emulator serves, and what it keeps of them.

A login is four requests, as apps and browsers send them: the consent page, the decision, the token, user info.

    python benchmarks/emulator_logins.py [--logins 100000] [--port-logins 3000]

The emulator runs in a process of its own, bound to one core where the system can do that; the client is another
process. In-process logins are WSGI calls in one thread.
"""

from __future__ import annotations

import argparse
import http.client
import io
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authkit.emulator import serve
from authkit_tiktok.emulator import TikTokEmulator

CALLBACK = "http://127.0.0.1:6543/auth/tiktok/callback"
FORM = "application/x-www-form-urlencoded"

Ask = Callable[[str, str, Mapping[str, str], str], tuple[str, str]]
"""Method, target, headers, body -> the Location header and the body of the answer."""


def log_in(ask: Ask, settings: Mapping[str, str]) -> None:
    """Log one user in, checking no more than is needed to go on."""
    client = {"client_key": settings["client_key"]}
    wish = {**client, "response_type": "code", "scope": "user.info.basic", "redirect_uri": CALLBACK, "state": "s"}
    authorize = f"{urlsplit(settings['authorize_url']).path}?{urlencode(wish)}"
    _, page = ask("GET", authorize, {}, "")
    user = page.partition('name="user"')[2].partition('value="')[2].partition('"')[0]
    decision = urlencode({"user": user, "scope": "user.info.basic", "decision": "allow"})
    location, _ = ask("POST", authorize, {"Content-Type": FORM}, decision)
    code = dict(parse_qsl(urlsplit(location).query))["code"]
    exchange = {
        **client,
        "client_secret": settings["client_secret"],
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
    }
    _, token = ask("POST", urlsplit(settings["token_url"]).path, {"Content-Type": FORM}, urlencode(exchange))
    access_token = token.partition('"access_token":"')[2].partition('"')[0]
    fields = f"{urlsplit(settings['userinfo_url']).path}?fields=open_id,display_name"
    _, profile = ask("GET", fields, {"Authorization": f"Bearer {access_token}"}, "")
    if '"display_name":"' not in profile:
        raise SystemExit(f"the login failed: {profile}")


def in_process(emulator: TikTokEmulator) -> Ask:
    """Return a client that calls the emulator as a WSGI server does."""

    def ask(method: str, target: str, headers: Mapping[str, str], body: str) -> tuple[str, str]:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_HOST": "127.0.0.1",
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body.encode()),
        }
        if "Authorization" in headers:
            environ["HTTP_AUTHORIZATION"] = headers["Authorization"]
        answered: dict[str, str] = {}

        def start_response(_: str, answer_headers: list[tuple[str, str]], /) -> Any:
            answered.update(answer_headers)

        chunks = emulator(environ, start_response)  # type: ignore[arg-type]  # no emulator hands over an exception
        return answered.get("Location", ""), b"".join(chunks).decode()

    return ask


def over_http(port: int) -> Ask:
    """Return a client that keeps one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(method: str, target: str, headers: Mapping[str, str], body: str) -> tuple[str, str]:
        connection.request(method, target, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        return answer.getheader("Location") or "", answer.read().decode()

    return ask


def serve_on_one_core(pipe: Connection) -> None:
    """Serve an emulator until the other end of `pipe` says so, then tell the seconds of CPU that it took."""
    with suppress(AttributeError, OSError):
        os.sched_setaffinity(0, {0})
    with serve(TikTokEmulator(), port=0) as server:
        pipe.send(server.origin)
        started = time.process_time()
        pipe.recv()
        pipe.send(time.process_time() - started)


@contextmanager
def served() -> Iterator[tuple[str, Connection]]:
    """Give the origin of an emulator in another process, and the pipe to it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve_on_one_core, args=(there,))
    process.start()
    there.close()  # so that the end of the process is the end of the pipe
    try:
        yield here.recv(), here
    finally:
        process.join(10)


def resident_mib() -> float:
    """Return the memory of this process; 0 where the system does not tell."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0


def measure_in_process(logins: int) -> None:
    """Print the rate, and the memory at several points of the way."""
    emulator = TikTokEmulator()
    ask, settings = in_process(emulator), emulator.settings("")
    started = time.perf_counter()
    for done in range(1, logins + 1):
        log_in(ask, settings)
        if done % max(1, logins // 5) == 0:
            print(f"  {done:>7} logins: {resident_mib():.1f} MiB")
    print(f"in-process: {logins / (time.perf_counter() - started):.0f} logins a second")


def measure_over_http(logins: int) -> None:
    """Print the rate over loopback, and the rate that the emulator's own CPU time would allow."""
    with served() as (origin, pipe):
        settings = TikTokEmulator().settings(origin)
        ask = over_http(urlsplit(origin).port or 80)
        started = time.perf_counter()
        for _ in range(logins):
            log_in(ask, settings)
        elapsed = time.perf_counter() - started
        pipe.send("stop")
        busy = pipe.recv()
    print(f"over HTTP, one client: {logins / elapsed:.0f} logins a second; {busy / logins * 1000:.2f} ms CPU each")


def measure_fresh(times: int = 200) -> None:
    """Print how long it takes to make an emulator."""
    started = time.perf_counter()
    for _ in range(times):
        TikTokEmulator()
    print(f"a fresh emulator: {(time.perf_counter() - started) / times * 1000:.3f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logins", type=int, default=20_000, help="in-process logins")
    parser.add_argument("--port-logins", type=int, default=3_000, help="logins over HTTP")
    given = parser.parse_args()
    measure_fresh()
    measure_over_http(given.port_logins)
    measure_in_process(given.logins)
