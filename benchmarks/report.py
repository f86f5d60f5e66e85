"""Writes the page of results, and copies it into the docs when it is to be kept."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from pathlib import Path

from coldstart import ColdStarts
from contestants import AUTHKIT, BY_HAND, Peer
from environments import HERE, ROOT
from measure import Measured, Scenario
from plots import bars
from results import Result

PAGE, PLOT = HERE / "results.md", HERE / "results.svg"
KEPT_PAGE, KEPT_PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "images" / "performance.svg"

Column = tuple[str, Callable[[Result, Result], str]]
"""A heading, and what stands under it for a peer, given authkit's result too."""


def in_ms(seconds: float) -> str:
    """Return seconds as milliseconds with three digits, or more where they stand before the point."""
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def ratio(value: Callable[[Measured], float]) -> Callable[[Result, Result], str]:
    """Return what tells a value as a multiple of authkit's in the same round."""

    def told(result: Result, authkit: Result) -> str:
        times = result.ratio(value, authkit)
        return "" if isnan(times) else f"{times:.2f}"

    return told


def handshakes(result: Result, _: Result) -> str:
    """Tell the handshakes of a login, and how many of them resumed a session."""
    middle = result.middle
    return f"{middle.handshakes:.2f}" + (f" ({middle.resumed:.2f} resumed)" if middle.resumed >= 0.005 else "")


CPU: Column = ("CPU ms a login", lambda result, _: in_ms(result.middle.cpu))
TIMES: Column = ("authkit's = 1", ratio(lambda one: one.cpu))
PER_CORE: Column = ("logins a second of CPU", lambda result, _: f"{result.middle.rate_per_core:.0f}")
RATE: Column = ("logins/s", lambda result, _: f"{result.middle.rate:.0f}")
P50: Column = ("p50 ms", lambda result, _: in_ms(result.middle.p50))
P50_TIMES: Column = ("p50, authkit's = 1", ratio(lambda one: one.p50))
P95: Column = ("p95 ms", lambda result, _: in_ms(result.middle.p95))
CONNECTIONS: Column = ("new connections", lambda result, _: f"{result.middle.connections:.2f}")
HANDSHAKES: Column = ("TLS handshakes", handshakes)
MEMORY: Column = ("MiB", lambda result, _: f"{result.middle.mebibytes:.0f}")
FAILED: Column = ("failed", lambda result, _: str(result.middle.failures))

SATURATED = (CPU, TIMES, PER_CORE, RATE, P50, P95, CONNECTIONS, HANDSHAKES, MEMORY, FAILED)
LONELY = (P50, P50_TIMES, P95, CPU, TIMES, CONNECTIONS, HANDSHAKES, FAILED)
CROWD = (RATE, P50, P95, CPU, TIMES, CONNECTIONS, MEMORY, FAILED)


def columns_of(scenario: Scenario) -> Sequence[Column]:
    """Return what is worth telling of a scenario."""
    if scenario.browsers == 1:
        return LONELY
    return CROWD if scenario.latency else SATURATED


def table(scenario: Scenario, peers: Sequence[Peer], results: Mapping[str, Result]) -> str:
    """Return the table of one scenario."""
    columns = columns_of(scenario)
    rows = [["", *(heading for heading, _ in columns)], ["---", *("---:" for _ in columns)]]
    for peer in peers:
        if peer.name not in results:
            continue
        result = results[peer.name]
        if result.rounds:
            cells = [tell(result, results.get(AUTHKIT.name, Result())) for _, tell in columns]
        else:
            cells = [f"not timed: {result.problem}".replace("|", " "), *("" for _ in columns[1:])]
        rows.append([peer.title, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def starts_table(starts: ColdStarts, peers: Sequence[Peer]) -> str:
    """Return the table of cold starts."""
    by_hand = starts.apps.get(BY_HAND.name, float("nan"))
    lines = ["| CPU to import and make the app | ms | by hand = 1 |", "| --- | ---: | ---: |"]
    for peer in peers:
        if peer.name in starts.apps:
            seconds = starts.apps[peer.name]
            lines.append(f"| {peer.title} | {seconds * 1000:.0f} | {seconds / by_hand:.2f} |")
    seconds = starts.import_authkit
    title = f"`import authkit` alone: {starts.modules} modules beyond the standard library"
    lines.append(f"| {title} | {seconds * 1000:.0f} | {seconds / by_hand:.2f} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what it was measured on."""
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return (
        f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def page(
    peers: Sequence[Peer],
    scenarios: Sequence[Scenario],
    results: Mapping[str, Mapping[str, Result]],
    starts: ColdStarts | None,
    rounds: int,
) -> str:
    """Return the results as Markdown."""
    parts = [
        f"{machine()}. The app on one core, driver and provider on another. Medians of {rounds} rounds in which all "
        "take turns; compare within a table, not with another run's, and take ratios under 1.3 as equal."
    ]
    for scenario in scenarios:
        parts.append(f"### {scenario.title}")
        beside = (result.middle.apparatus for result in results[scenario.name].values() if result.rounds)
        parts.append(f"Driver and provider took {in_ms(min(beside, default=0.0))} ms of CPU a login together.")
        parts.append(table(scenario, peers, results[scenario.name]))
    if starts is not None:
        parts += ["### Cold start", starts_table(starts, peers)]
    return "\n\n".join(parts)


def plot(peers: Sequence[Peer], results: Mapping[str, Result]) -> str:
    """Return the plot of how many logins a core is good for."""
    values = {peer.title: results[peer.name].middle.rate_per_core for peer in peers if results[peer.name].rounds}
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))
    return bars("Complete logins per second of the server's CPU, TLS to the provider", ordered, AUTHKIT.title)


def replaced(text: str, name: str, block: str) -> str:
    """Return `text` with what stands between the two marks called `name` replaced."""
    before, start, rest = text.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not start or not end:
        raise SystemExit(f"there is no place for {name}")
    return f"{before}{start}{block}\n{end}{after}"


def keep(block: str, picture: str) -> None:
    """Copy the results into the docs as the last run that was kept."""
    KEPT_PAGE.write_text(replaced(KEPT_PAGE.read_text(), "measured", block))
    KEPT_PLOT.write_text(picture)
