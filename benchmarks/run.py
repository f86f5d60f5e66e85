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
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import environments
from coldstart import measure_starts
from contestants import AUTHKIT, BEFORE, BY_HAND, PEERS, POOLED, Peer
from measure import SCENARIOS, TLS, IncorrectError, Measured, Scenario, ready, timed
from processes import NotStartedError, Provider, Server, cores, provider
from report import PAGE, PLOT, keep, page, plot
from results import Result

STARTS = 9
"""How often each app is started for the cold start."""


def run_scenario(
    where: Provider, peers: Sequence[Peer], scenario: Scenario, rounds: int, seconds: float
) -> dict[str, Result]:
    """Measure all peers in one scenario, in turns: while one is busy the others, warm, are idle."""
    peers = [peer for peer in peers if peer.is_quick or not scenario.is_long]
    results = {peer.name: Result() for peer in peers}
    servers: dict[str, Server] = {}
    with ExitStack() as stack:
        for peer in peers:
            try:
                servers[peer.name] = stack.enter_context(ready(peer, where, scenario))
            except (IncorrectError, NotStartedError) as error:
                results[peer.name].problem = str(error)
                print(f"{scenario.name:9} {peer.name:18} not timed: {error}", flush=True)
        for _ in range(rounds):
            for name, server in servers.items():
                one = asyncio.run(timed(server, where, scenario, seconds))
                results[name].rounds.append(one)
                print(f"{scenario.name:9} {name:18} {in_short(one)}", flush=True)
    return results


def in_short(one: Measured) -> str:
    """Return a line for whoever waits."""
    return (
        f"{one.cpu * 1000:6.2f} ms CPU  {one.rate:6.0f}/s  p50 {one.p50 * 1000:6.1f}  p95 {one.p95 * 1000:6.1f} ms  "
        f"{one.connections:5.2f} connections  {one.mebibytes:4.0f} MiB  {one.failures} failed"
    )


def tell(results: Mapping[str, Mapping[str, Result]]) -> None:
    """Print the medians, and the CPU as a ratio to the pooled login by hand."""
    for scenario, by_peer in results.items():
        print(f"\n{scenario}: server CPU as a ratio to {POOLED.name}, and medians")
        for name, result in by_peer.items():
            ratio = result.ratio(lambda one: one.cpu, by_peer.get(POOLED.name, Result()))
            print(f"  {name:18} {ratio:5.2f}  {result.problem or in_short(result.middle)}")


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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="how long one peer is measured in a round")
    parser.add_argument("--against", type=Path, help="another checkout of authkit, to compare this one with")
    parser.add_argument("--keep", action="store_true", help="copy the results into docs/performance.md")
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
        results = {
            scenario.name: run_scenario(where, peers, scenario, given.rounds, given.seconds) for scenario in scenarios
        }
    tell(results)
    starts = None
    if {AUTHKIT, BY_HAND} <= set(peers):
        starts = measure_starts(peers, STARTS)
    block = page(peers, scenarios, results, starts, given.rounds)
    PAGE.write_text(f"# Results\n\n{block}\n")
    if TLS in scenarios:
        PLOT.write_text(plot(peers, results[TLS.name]))
    if given.keep:
        keep(block, plot(peers, results[TLS.name]))


if __name__ == "__main__":
    main()
