"""`run`: the three processes, a warm-up, the load, and the evidence of what came of it."""

from __future__ import annotations

import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from authkit.accounts import Database
from authkit.accounts.migrate import upgrade
from loadtest.app import AUDIT, WARNINGS, MakeApp, make_app, run_app
from loadtest.audit import read_audit
from loadtest.browser import Browser, Place
from loadtest.faultmix import MIX, Blow, faults_at
from loadtest.people import first_of, people_of, second_of
from loadtest.provider import read_journal, run_provider
from loadtest.rows import count_rows, tidy
from loadtest.tally import Tally
from loadtest.verdict import Evidence
from loadtest.visitor import Visitor
from loadtest.watch import Sample, Watch

__all__ = ["Load", "run"]

JOURNAL = "provider.jsonl"
PATIENCE = 120
"""How long the app keeps a connection that says nothing, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is to be done.

    Attributes:
        browsers: how many there are.
        seconds: for how long they visit, the warm-up not counted; 0 for no end but `visits`.
        warm_up: how long the warm-up is, in seconds; 0 for `visits`.
        visits: after how many visits a browser ends a phase; 0 for no end but the time.
        pause: how long a person rests between two visits, in seconds, in the mean.
        faulty: which share of the provider's calls is disturbed, 0 to 1.
        mix: how they are.
        seed: what decides about visits and faults.
        threads: how many threads serve the app.
        every: how often the app's process is looked at, in seconds.
        memory: how many KiB it may hold more, at the end of the last two thirds.
        make: makes the app.
    """

    browsers: int
    seconds: float = 0
    warm_up: float = 0
    visits: int = 0
    pause: float = 0
    faulty: float = 0.05
    mix: Sequence[Blow] = MIX
    seed: int = 1
    threads: int = 8
    every: float = 5
    memory: int = 12 * 1024
    make: MakeApp = make_app


def run(load: Load, url: str, folder: Path, say: Callable[[str], None] = lambda _: None) -> Evidence:
    """Put an app under load, and return what that has shown.

    Args:
        load: what is to be done.
        url: an empty database.
        folder: where logs go.
        say: is told how far it is.
    """
    database = Database.open(url)
    upgrade(database)
    with ExitStack() as stack:
        stack.enter_context(closing(database))
        provider, (origin, ca_bundle, own) = _start_provider(stack, load, folder)
        settings = {**own, "authkit.secret": "a-secret-of-a-benchmark-that-is-long-enough"}
        settings |= {"authkit.ca_bundle": ca_bundle, "authkit.accounts.database": url}
        app, pipe = stack.enter_context(_process(run_app, load.make, settings, folder, load.threads, PATIENCE))
        place = Place(pipe.recv(), origin, ca_bundle)
        tally, watch = Tally(), Watch(app, pipe, urlsplit(origin).port or 0)
        samples, before, after = _load(load, _visitors(load, place, tally), watch, say)
        say(f"{tally.ended:,} logins have ended; a look at what is left")
        provider.send("no more faults")
        provider.recv()
        rows = count_rows(database)
        tidy({**settings, "authkit.base_url": place.app}, database)
        later = count_rows(database)
    return Evidence(
        tally=tally,
        calls=read_journal(folder / JOURNAL),
        audit=read_audit(folder / AUDIT),
        warnings=(folder / WARNINGS).read_text(encoding="utf-8"),
        samples=samples,
        before=before,
        after=after,
        rows=rows,
        rows_later=later,
        threads=load.threads,
        memory=load.memory,
    )


def _start_provider(stack: ExitStack, load: Load, folder: Path) -> tuple[Connection, Any]:
    """Start the provider, and return the pipe to it, and what it has told."""
    faults = list(faults_at(load.faulty, load.mix))
    _, pipe = stack.enter_context(
        _process(run_provider, people_of(load.browsers), folder / JOURNAL, faults, load.seed)
    )
    return pipe, pipe.recv()


def _load(
    load: Load, visitors: Sequence[Visitor], watch: Watch, say: Callable[[str], None]
) -> tuple[list[Sample], Sample, Sample]:
    """Let all visit, to warm up and then for good; return what the app held meanwhile, before and after it."""
    say(f"{load.browsers} browsers warm up")
    _visit(visitors, load, load.warm_up)
    before = watch.idle()
    say("the load begins")
    samples = watch.during(lambda: _visit(visitors, load, load.seconds), load.every)
    return samples, before, watch.idle()


@contextmanager
def _process(target: Callable[..., None], *arguments: Any) -> Iterator[tuple[BaseProcess, Connection]]:
    """Give a process that has nothing of this one, and the pipe to it; it ends when the pipe is closed."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(there, *arguments), daemon=True)
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        here.close()
        process.join(10)
        process.kill()


def _visitors(load: Load, place: Place, tally: Tally) -> Sequence[Visitor]:
    return [
        Visitor(Browser(place, tally), first_of(number), second_of(number), tally, Random(f"{load.seed} {number}"))  # noqa: S311
        for number in range(load.browsers)
    ]


def _visit(visitors: Sequence[Visitor], load: Load, seconds: float) -> None:
    """Let everybody visit at the same time, until the time is over, or each has visited often enough."""
    ends_at = time.monotonic() + (seconds or math.inf)

    def visit(visitor: Visitor, random: Random) -> None:
        try:
            for _ in range(load.visits) if load.visits else count():
                time.sleep(random.uniform(0, 2 * load.pause))
                if time.monotonic() >= ends_at:
                    break
                visitor.visit()
        except Exception as error:  # noqa: BLE001 - the others go on, and the run has failed
            visitor.tally.breach(f"a browser ended: {error!r}")
        finally:
            visitor.browser.close()

    crowd = [threading.Thread(target=visit, args=(each, Random(number))) for number, each in enumerate(visitors)]  # noqa: S311
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
