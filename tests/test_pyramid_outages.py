"""FLT-30: a provider that takes every request and answers none, and a site with four threads that stays up."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from cli_world import environment, free_port

from authkit.breaker import MAX_WAITING, PAUSE
from authkit.emulator import serve
from authkit_tiktok.emulator import TikTokEmulator

pytestmark = [pytest.mark.pyramid, pytest.mark.slow]

EXAMPLES = Path(__file__).parents[1] / "examples"
SERVER = "from hello import main; from waitress import serve; serve(main({}), port=int(PORT), threads=4)"
READ_SECONDS = 10
"""How long a call waits for an answer."""


class Outage:
    """A provider in front of which every request waits while it is down, and then goes on."""

    def __init__(self, emulator: TikTokEmulator) -> None:
        self.emulator = emulator
        self.is_up = threading.Event()
        self.is_up.set()
        self.asked = 0

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.asked += 1
        self.is_up.wait(60)
        return self.emulator(environ, start_response)


class Visitor:
    """A browser of its own."""

    def __init__(self, site: str, emulator: TikTokEmulator) -> None:
        self.site = site
        self.emulator = emulator
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, url: str) -> requests.Response:
        return self.session.get(url, allow_redirects=False, timeout=60)

    def begin(self) -> str:
        """Go to the provider, say yes, and return the callback's address."""
        answer = self.get(f"{self.site}/auth/tiktok")
        assert answer.status_code == 302
        return self.emulator.approve(answer.headers["Location"])

    def finish(self, callback: str) -> tuple[int, float]:
        """Return the status of what the callback is answered, and after how many seconds it was."""
        started = time.monotonic()
        answer = self.get(callback)
        assert answer.status_code == 303 or int(answer.headers["Retry-After"]) > 0
        return answer.status_code, time.monotonic() - started

    def sign_in(self) -> int:
        """Log in, and return the status of what comes of it."""
        if (status := self.get(f"{self.site}/auth/tiktok").status_code) != 302:
            return status
        return self.finish(self.begin())[0]


class Watch:
    """Looks at the start page all the time, and keeps how long the longest look took."""

    def __init__(self, site: str) -> None:
        self.longest = 0.0
        self._visitor = Visitor(site, TikTokEmulator())
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            started = time.monotonic()
            assert self._visitor.get(f"{self._visitor.site}/").status_code == 200
            self.longest = max(self.longest, time.monotonic() - started)


@contextmanager
def served(settings: Mapping[str, object], log: Path) -> Iterator[str]:
    """Run the example behind waitress, in a process of its own, and give its address."""
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    own = {f"AUTHKIT_TIKTOK_{name.upper()}": str(value) for name, value in settings.items()}
    usual = {"AUTHKIT_SECRET": "an-app-secret-that-is-long-enough-for-everyone", "AUTHKIT_BASE_URL": site}
    command = [sys.executable, "-W", "ignore", "-c", SERVER.replace("PORT", str(port))]
    with log.open("wb") as errors:
        process = subprocess.Popen(command, cwd=EXAMPLES, env=environment(**usual, **own), stderr=errors)
    try:
        wait_for(port)
        yield site
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int) -> None:
    """Wait until somebody listens at `port`."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the example does not start")


def test_flt_30_a_provider_that_hangs_does_not_take_the_site_down(tmp_path: Path) -> None:
    emulator, log = TikTokEmulator(), tmp_path / "log"
    outage = Outage(emulator)
    with ExitStack() as opened:
        provider = opened.enter_context(serve(outage, port=0))
        opened.callback(outage.is_up.set)
        site = opened.enter_context(served(emulator.settings(provider.origin), log))
        visitors = [Visitor(site, emulator) for _ in range(8)]
        pool = opened.enter_context(ThreadPoolExecutor(len(visitors)))
        with Watch(site) as usual:  # how busy this machine is with as many who ask no provider
            callbacks = list(pool.map(Visitor.begin, visitors))
        outage.is_up.clear()

        with Watch(site) as watch:
            statuses, seconds = zip(*pool.map(Visitor.finish, visitors, callbacks), strict=True)
            started = time.monotonic()
            assert [Visitor(site, emulator).sign_in() for _ in range(20)] == [503] * 20
            took = time.monotonic() - started

        assert watch.longest < 1 + usual.longest
        assert statuses == (503,) * 8
        assert len([waited for waited in seconds if waited > READ_SECONDS - 1]) == MAX_WAITING
        assert took < 10
        assert max(seconds) < READ_SECONDS + 3
        assert outage.asked <= 4  # once by each thread

        outage.is_up.set()
        recovered_at = time.monotonic()
        while Visitor(site, emulator).sign_in() != 303:
            time.sleep(0.1)
        assert time.monotonic() - recovered_at < PAUSE + 5
        assert [Visitor(site, emulator).sign_in() for _ in range(5)] == [303] * 5
    assert re.findall("(?m)^WARNING:authkit.breaker:(.+)$", log.read_text()) == [
        "the provider of tiktok does not answer; nobody asks it for 10 s",
        "the provider of tiktok answers again",
    ]
