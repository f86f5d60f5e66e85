"""What is measured: one peer in one scenario, once; every peer's login is proved correct before it is timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from contestants import Peer
from driver import App, Browser, Played, callback_of, play
from processes import Provider, Server, served

WARM_UP_SECONDS = 15.0


@dataclass(frozen=True)
class Scenario:
    """Under what circumstances logins are played.

    Attributes:
        name: what it is called on the command line.
        title: what it is called on the page.
        scheme: how the app talks to the provider.
        latency: the milliseconds of a round trip to the provider.
        browsers: how many log in at a time.
        threads: how many threads the app has.
        is_long: whether it is for the quick ones only.
        drops: whether the provider closes its connections before each login.
    """

    name: str
    title: str
    scheme: str = "https"
    latency: int = 0
    browsers: int = 8
    threads: int = 8
    is_long: bool = False
    drops: bool = False


TLS = Scenario("tls", "TLS, no latency, 8 browsers")
SCENARIOS = (
    TLS,
    Scenario("http", "Plain HTTP, no latency, 8 browsers", scheme="http"),
    Scenario("one", "TLS, no latency, one browser", browsers=1, is_long=True),
    Scenario(
        "reconnect",
        "TLS, one browser, the provider's connections closed before each login",
        browsers=1,
        is_long=True,
        drops=True,
    ),
    Scenario("alone", "TLS, 50 ms round trip, one browser", latency=50, browsers=1),
    Scenario("crowd-8", "TLS, 50 ms, 64 browsers, 8 threads", latency=50, browsers=64, threads=8, is_long=True),
    Scenario("crowd-64", "TLS, 50 ms, 64 browsers, 64 threads", latency=50, browsers=64, threads=64, is_long=True),
)


@dataclass(frozen=True)
class Measured:
    """What one peer did in one scenario; what is counted is per login.

    Attributes:
        rate: logins per second.
        cpu: seconds of CPU of the server.
        p50, p95: seconds.
        connections: new ones to the provider.
        handshakes: of TLS, resumed ones included.
        resumed: of these, those that resumed a session.
        mebibytes: resident memory of the server at the end.
        failures: the logins that failed, in all.
        apparatus: seconds of CPU of driver and provider, which must not be what is measured.
    """

    rate: float
    cpu: float
    p50: float
    p95: float
    connections: float
    handshakes: float
    resumed: float
    mebibytes: float
    failures: int
    apparatus: float = 0.0

    @property
    def rate_per_core(self) -> float:
        """Return the logins that a second of CPU is good for."""
        return 1 / self.cpu if self.cpu else float("nan")


class IncorrectError(Exception):
    """A peer whose login is not correct, and which is not timed."""


async def prove(app: App, provider: Provider, logins: int = 20, browsers: int = 4) -> None:
    """Prove that an app signs each user in as who they are, and nobody with another browser's state.

    Raises:
        IncorrectError: it does not.
    """
    before = provider.tell()
    played = await play(app, browsers=browsers, logins=logins)
    after = provider.tell()
    if played.failures or len(played.times) != logins:
        raise IncorrectError(f"{len(played.failures)} of {logins} logins failed: {played.failures[:1]}")
    asked = [after[kind] - before[kind] for kind in ("tokens", "users", "refused")]
    if asked != [logins, logins, 0]:
        raise IncorrectError(f"{logins} logins asked for tokens, users and in vain {asked} times")
    await prove_state(app)
    if provider.tell()["tokens"] != after["tokens"]:
        raise IncorrectError("a callback with the state of another browser got as far as the token endpoint")


async def prove_state(app: App) -> None:
    """Prove that a callback is refused in a browser that did not start the login."""
    attacker, victim = Browser(app), Browser(app)
    try:
        authorize = await attacker.begin()
        await victim.begin()
        await victim.get(callback_of(authorize, "attacker"))
        seen = await victim.get("/me")
    finally:
        attacker.close()
        victim.close()
    if b'"attacker"' in seen.body:
        raise IncorrectError("a callback of another browser signed somebody in")


async def dropping(app: App, provider: Provider, seconds: float) -> Played:
    """Play logins one by one, the provider's connections closed before each."""
    whole = Played()
    while whole.seconds < seconds:
        await asyncio.to_thread(provider.tell, "drop")
        one = await play(app, browsers=1, logins=1)
        whole.times += one.times
        whole.failures += one.failures
        whole.seconds += one.seconds
    return whole


async def timed(
    server: Server, provider: Provider, scenario: Scenario, seconds: float, users: Iterator[str] | None = None
) -> Measured:
    """Play a scenario at an app that is warm, and return what it took.

    Some logins go ahead: connections that were idle while others were measured may have been closed.
    """
    await play(server.app, browsers=scenario.browsers, logins=2 * scenario.browsers, seconds=1.0, users=users)
    before, cpu, apparatus = provider.tell(), server.cpu(), provider.cpu() + time.process_time()
    if scenario.drops:
        played = await dropping(server.app, provider, seconds)
    else:
        played = await play(server.app, browsers=scenario.browsers, seconds=seconds, users=users)
    spent, after = server.cpu() - cpu, provider.tell()
    beside = provider.cpu() + time.process_time() - apparatus
    done = max(1, len(played.times))
    per_login = {kind: (after[kind] - before[kind]) / done for kind in before}
    return Measured(
        rate=played.rate,
        cpu=spent / done,
        p50=played.p50,
        p95=played.percentile(95),
        connections=per_login["connections"],
        handshakes=per_login["handshakes"],
        resumed=per_login["resumed"],
        mebibytes=server.mebibytes(),
        failures=len(played.failures),
        apparatus=beside / done,
    )


@contextmanager
def ready(peer: Peer, provider: Provider, scenario: Scenario) -> Iterator[Server]:
    """Serve a peer's app, prove it, and warm it up.

    Raises:
        IncorrectError: its login is not correct.
    """
    provider.tell("latency/0")
    with served(peer, provider.origin(scenario.scheme), scenario.threads) as server:
        asyncio.run(prove(server.app, provider))
        asyncio.run(play(server.app, browsers=8, logins=peer.warm_up, seconds=WARM_UP_SECONDS))
        provider.tell(f"latency/{scenario.latency}")
        yield server
