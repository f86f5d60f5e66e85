"""Measures authkit beside its peers, on the same work, and writes the page of results.

    make bench                              everything, in about half an hour
    make bench BENCH="--peers authkit,by-hand-pooled,floor --scenarios tls --rounds 5"
    make bench BENCH="--against ../before"  the authkit of another checkout beside this one's

Peers take turns in each round; what is told is the median of the rounds. The app has a core of its own; driver and
provider share another. What varies least from machine to machine, and run to run, are ratios in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from statistics import median

import environments
from contestants import BEFORE, PEERS, Peer
from measure import SCENARIOS, IncorrectError, Measured, Scenario, measure
from processes import Provider, cores, provider

Results = dict[tuple[str, str], Measured | str]
"""By scenario and peer: what was measured, or why it was not."""


def middle(all_of_them: Sequence[Measured]) -> Measured:
    """Return the medians of several rounds; failures are added up."""
    names = [field.name for field in fields(Measured)]
    values = {name: median(getattr(one, name) for one in all_of_them) for name in names}
    return Measured(**{**values, "failures": sum(one.failures for one in all_of_them)})


def run_rounds(
    where: Provider, peers: Sequence[Peer], scenarios: Sequence[Scenario], rounds: int, seconds: float
) -> Results:
    """Measure all peers in all scenarios, in turns."""
    measured: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    results: Results = {}
    for number in range(1, rounds + 1):
        for scenario in scenarios:
            for peer in peers:
                key = (scenario.name, peer.name)
                if isinstance(results.get(key), str):
                    continue
                try:
                    one = measure(peer, where, scenario, seconds)
                except IncorrectError as error:
                    results[key] = str(error)
                    print(f"{number} {scenario.name:9} {peer.name:18} not timed: {error}", flush=True)
                    continue
                measured[key].append(one)
                results[key] = middle(measured[key])
                print(f"{number} {scenario.name:9} {peer.name:18} {in_short(one)}", flush=True)
    return results


def in_short(one: Measured) -> str:
    """Return a line for whoever waits."""
    return (
        f"{one.cpu * 1000:6.2f} ms CPU  {one.rate:6.0f}/s  p50 {one.p50 * 1000:6.1f}  p95 {one.p95 * 1000:6.1f} ms  "
        f"{one.connections:5.2f} connections  {one.mebibytes:4.0f} MiB  {one.failures} failed"
    )


def chosen(names: str, among: Sequence[Peer] | Sequence[Scenario]) -> list[str]:
    """Return the names on the command line, all of them if there is none."""
    known = [one.name for one in among]
    unknown = set(filter(None, names.split(","))) - set(known)
    if unknown:
        raise SystemExit(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if not names or name in names.split(",")]


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", default="", help="names, with commas; all")
    parser.add_argument("--scenarios", default="", help="names, with commas; all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long one peer is measured in a round")
    parser.add_argument("--against", type=Path, help="another checkout of authkit, to compare this one with")
    given = parser.parse_args()
    peers = [peer for peer in PEERS if peer.name in chosen(given.peers, PEERS) and environments.make(peer.folder)]
    if given.against:
        environments.make_before(BEFORE.environment, given.against.resolve())
        peers.insert(0, BEFORE)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in chosen(given.scenarios, SCENARIOS)]
    with suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    core, _ = cores()
    with provider() as where:
        if core is not None:
            os.sched_setaffinity(0, {core})
        results = run_rounds(where, peers, scenarios, given.rounds, given.seconds)
    print()
    for scenario in scenarios:
        base = results.get((scenario.name, "by-hand-pooled"))
        for peer in peers:
            one = results[(scenario.name, peer.name)]
            ratio = f"{one.cpu / base.cpu:5.2f}" if isinstance(one, Measured) and isinstance(base, Measured) else "-"
            print(f"{scenario.name:9} {peer.name:18} {ratio} {one if isinstance(one, str) else in_short(one)}")


if __name__ == "__main__":
    main()
