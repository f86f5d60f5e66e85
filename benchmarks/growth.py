"""How the cost of a login grows with what there is: registrations, plugins, logins under way, accounts, threads.

    make growth                                all curves
    make growth GROWTH="--curves accounts"     one of them

Each size of a curve is a server of its own, and they take turns, as in run.py; this runs in .venv, where the database
drivers are. It writes benchmarks/growth.md and a plot for each curve; with ``--keep``, they are copied into the docs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contestants import Peer
from crowds import gather, known
from environments import BENCH, HERE, ROOT
from measure import Measured, Scenario, prove, timed
from plots import lines
from processes import Provider, cores, provider, served
from provider import CLIENT_ID
from report import in_ms, machine, replaced
from results import Result
from throwaway import postgresql

from authkit.transactions import MemoryClaims

PYTHON = Path(sys.executable)
PEER = Peer("growing", "authkit, grown", str(HERE / "growing"))
CERTIFICATES = BENCH / "growth-tls"
PEOPLE = (1_000, 10_000, 100_000, 1_000_000)
PLUGIN = """
from authkit import OAuth2Provider, Profile, hookimpl

provider = OAuth2Provider(
    name="bench-{0}",
    title="Bench {0}",
    authorize_url="https://bench.example/authorize",
    token_url="https://bench.example/token",
    userinfo_url="https://bench.example/me",
    default_scope=("profile",),
    profile=lambda data: Profile(subject=data["id"]),
)


@hookimpl
def authkit_providers():
    return [provider]
"""


@dataclass(frozen=True)
class Size:
    """One point of a curve: how many there are, and how that is set up."""

    number: int
    environment: Mapping[str, str] = field(default_factory=dict)
    browsers: int = 8
    threads: int = 8
    latency: int = 0
    users: Iterator[str] | None = None

    @property
    def scenario(self) -> Scenario:
        """Return the circumstances."""
        return Scenario("growth", "", latency=self.latency, browsers=self.browsers, threads=self.threads)


@dataclass(frozen=True)
class Curve:
    """What grows, what is plotted over it, and the sizes by the names of the lines."""

    name: str
    title: str
    under: str
    series: Mapping[str, Sequence[Size]]
    value: Callable[[Measured], float] = lambda one: one.rate_per_core


def registrations() -> Curve:
    """Return the curve over registrations at one provider."""
    sizes = [Size(number, {"BENCH_REGISTRATIONS": str(number)}) for number in (1, 10, 100, 500)]
    return Curve("registrations", "Logins per second of CPU, by registrations", "registrations", {"authkit": sizes})


def install_plugins(folder: Path, number: int) -> None:
    """Put distributions into a folder, each with a plugin and the metadata of one that is installed."""
    for each in range(number):
        (folder / f"bench_plugin_{each}.py").write_text(PLUGIN.format(each))
        metadata = folder / f"bench_plugin_{each}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: bench-plugin-{each}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[authkit]\nbench-{each} = bench_plugin_{each}\n")


def plugins(folder: Path) -> Curve:
    """Return the curve over plugins; TikTok's is one of them."""
    sizes = []
    for number in (1, 20, 200):
        place = folder / f"plugins-{number}"
        place.mkdir()
        install_plugins(place, number - 1)
        sizes.append(Size(number, {"PYTHONPATH": str(place)}))
    return Curve("plugins", "Logins per second of CPU, by plugins installed", "plugins", {"authkit": sizes})


def under_way() -> Curve:
    """Return the curve over logins under way at a time."""
    sizes = [Size(number, browsers=number) for number in (1, 8, 64, 256)]
    return Curve("under-way", "Logins per second of CPU, by logins under way", "browsers", {"authkit": sizes})


def threads() -> Curve:
    """Return the curve over a worker's threads: 64 browsers, a provider 50 ms away."""
    sizes = [Size(number, browsers=64, threads=number, latency=50) for number in (4, 8, 16, 32, 64)]
    title = "Logins per second of one worker: 64 browsers, a provider 50 ms away"
    return Curve("threads", title, "threads", {"authkit": sizes}, lambda one: one.rate)


def accounts(folder: Path, stack: ExitStack) -> Curve:
    """Return the curve over accounts, on SQLite and, where a server answers, on PostgreSQL."""
    places: dict[str, list[tuple[int, str]]] = {
        "SQLite": [(people, f"sqlite:///{folder}/{people}.sqlite") for people in PEOPLE]
    }
    servers = [(people, stack.enter_context(postgresql())) for people in PEOPLE]
    places["PostgreSQL"] = [(people, url) for people, url in servers if url is not None]
    series: dict[str, list[Size]] = {}
    for name, urls in places.items():
        for people, url in urls:
            gather(url, people, CLIENT_ID)
            size = Size(people, {"AUTHKIT_ACCOUNTS_DATABASE": url}, users=known(people))
            series.setdefault(name, []).append(size)
            print(f"{name}: {people:,} accounts are there", flush=True)
    return Curve("accounts", "Logins per second of CPU, by accounts in the database", "accounts", series)


@contextmanager
def on_the_drivers_core() -> Iterator[None]:
    """Stay on the core that is not the app's, for a while."""
    core, _ = cores()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, before if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def follow(where: Provider, curve: Curve, rounds: int, seconds: float) -> dict[str, dict[int, Result]]:
    """Measure all sizes of a curve, in turns."""
    results: dict[str, dict[int, Result]] = {name: {} for name in curve.series}
    roots = str(CERTIFICATES / "root.pem")
    with ExitStack() as stack:
        stack.enter_context(on_the_drivers_core())
        servers = []
        for name, sizes in curve.series.items():
            for size in sizes:
                environment = {**size.environment, "AUTHKIT_CA_BUNDLE": roots}
                served_by = served(PEER, where.origin("https"), size.threads, PYTHON, **environment)
                server = stack.enter_context(served_by)
                where.tell("latency/0")
                asyncio.run(prove(server.app, where))
                servers.append((name, size, server))
        for _ in range(rounds):
            for name, size, server in servers:
                where.tell(f"latency/{size.latency}")
                one = asyncio.run(timed(server, where, size.scenario, seconds, size.users))
                results[name].setdefault(size.number, Result()).rounds.append(one)
                print(
                    f"{curve.name} {name} {size.number:>9,}: {one.cpu * 1000:.2f} ms CPU, {one.rate:.0f}/s, "
                    f"p50 {one.p50 * 1000:.1f} ms, {one.mebibytes:.0f} MiB, {one.failures} failed",
                    flush=True,
                )
    return results


def claims() -> tuple[str, str]:
    """Return the table and the plot of what a claim costs a process that remembers many, as many ending as come."""
    cost: dict[int, float] = {}
    for number in (100, 1_000, 10_000, 99_000):
        now, store = iter(range(10**9)), None
        store = MemoryClaims(lambda now=now: float(next(now)))  # type: ignore[misc]  # each has a clock of its own
        for each in range(number):
            store.claim(str(each), float(each + number))
        times = []
        for start in range(number, number + 50_000, 5_000):
            began = time.process_time()
            for each in range(start, start + 5_000):
                store.claim(str(each), float(each + number))
            times.append((time.process_time() - began) / 5_000 * 1e6)
        cost[number] = sum(times) / len(times)
    rows = ["| claims remembered | µs a claim |", "| ---: | ---: |"]
    rows += [f"| {number:,} | {micro:.1f} |" for number, micro in cost.items()]
    return "\n".join(rows), lines("Microseconds of CPU a claim, by claims remembered", "claims", {"authkit": cost})


def table(results: Mapping[str, Mapping[int, Result]], under: str) -> str:
    """Return the table of a curve."""
    rows = [f"| {under} | | CPU ms a login | smallest = 1 | logins/s | p50 ms | MiB | failed |"]
    rows.append("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, by_size in results.items():
        smallest = by_size[min(by_size)]
        for number, result in sorted(by_size.items()):
            middle = result.middle
            rows.append(
                f"| {number:,} | {name} | {in_ms(middle.cpu)} | {result.ratio(lambda one: one.cpu, smallest):.2f} "
                f"| {middle.rate:.0f} | {in_ms(middle.p50)} | {middle.mebibytes:.0f} | {middle.failures} |"
            )
    return "\n".join(rows)


def main() -> None:
    """Measure what the command line says."""
    names = ("claims", "registrations", "plugins", "under-way", "threads", "accounts")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", default=",".join(names), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--keep", action="store_true", help="copy the results into docs/performance.md")
    given = parser.parse_args()
    wanted = given.curves.split(",")
    pages: dict[str, tuple[str, str, str]] = {}
    if "claims" in wanted:
        pages["claims"] = ("What a claim costs", *claims())
        tell(pages, given.keep)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="authkit-growth-")))
        where = stack.enter_context(provider(PYTHON, CERTIFICATES))
        makers: dict[str, Callable[[], Curve]] = {
            "registrations": registrations,
            "plugins": lambda: plugins(folder),
            "under-way": under_way,
            "threads": threads,
            "accounts": lambda: accounts(folder, stack),
        }
        for name in filter(makers.__contains__, wanted):
            curve = makers[name]()
            results = follow(where, curve, given.rounds, given.seconds)
            values = {
                line: {number: curve.value(result.middle) for number, result in by_size.items()}
                for line, by_size in results.items()
            }
            plot = lines(curve.title, curve.under, values)
            pages[name] = (curve.title, table(results, curve.under), plot)
            tell(pages, given.keep)


def tell(pages: Mapping[str, tuple[str, str, str]], is_kept: bool) -> None:
    """Write the page and the plots."""
    parts = [f"{machine()}."]
    for name, (title, rows, plot) in pages.items():
        parts += [f"### {title}", f"![{title}](images/growth-{name}.svg)", rows]
        folder = ROOT / "docs" / "images" if is_kept else HERE
        (folder / f"growth-{name}.svg").write_text(plot)
    block = "\n\n".join(parts)
    (HERE / "growth.md").write_text(f"# How its cost grows\n\n{block}\n")
    if is_kept:
        page = ROOT / "docs" / "performance.md"
        page.write_text(replaced(page.read_text(), "grown", block))


if __name__ == "__main__":
    main()
