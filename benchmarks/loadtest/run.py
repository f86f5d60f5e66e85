"""`run`: the three processes, a warm-up, the load, and the evidence of what came of it."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from authkit.accounts import Database
from authkit.accounts.migrate import upgrade
from loadtest.app import MakeApp, make_app, run_app
from loadtest.browser import Browser, Place
from loadtest.faultmix import MIX, Blow, faults_at
from loadtest.people import first_of, people_of, second_of
from loadtest.process import Sample, look_at
from loadtest.provider import read_journal, run_provider
from loadtest.rows import count_rows, tidy
from loadtest.tally import Tally
from loadtest.verdict import Evidence, read_audit
from loadtest.visitor import Visitor

__all__ = ["Load", "run"]

IDLE_SECONDS = 40
"""How long it may take until the last call to the provider has ended, once all browsers have gone."""
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
        memory: how many KiB it may grow by in the last two thirds.
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
    memory: int = 4096
    make: MakeApp = make_app


def run(load: Load, url: str, folder: Path, say: Callable[[str], None] = lambda _: None) -> Evidence:
    """Put an app under load, and return what that has shown.

    Args:
        load: what is to be done.
        url: an empty database.
        folder: where logs go.
        say: is told how far it is.
    """
    database, journal = Database.open(url), folder / "provider.jsonl"
    upgrade(database)
    with ExitStack() as stack:
        stack.enter_context(closing(database))
        people = people_of(load.browsers)
        _, provider = stack.enter_context(
            _process(run_provider, people, journal, list(faults_at(load.faulty, load.mix)), load.seed)
        )
        origin, ca_bundle, own = provider.recv()
        settings = {**own, "authkit.secret": "a-secret-of-a-benchmark-that-is-long-enough"}
        settings |= {"authkit.ca_bundle": ca_bundle, "authkit.accounts.database": url}
        app, pipe = stack.enter_context(_process(run_app, load.make, settings, folder, load.threads, PATIENCE))
        place = Place(pipe.recv(), origin, ca_bundle)
        watch = Watch(app, urlsplit(origin).port or 0)
        visitors, tally = _visitors(load, place)
        say(f"warming up, with {load.browsers} browsers")
        _visit(visitors, load, load.warm_up)
        before = watch.idle()
        say(f"{tally.ended:,} logins so far; the load begins")
        samples = watch.during(lambda: _visit(visitors, load, load.seconds), load.every)
        after = watch.idle()
        say(f"{tally.ended:,} logins; looking at what is left")
        provider.send(None)  # no more faults
        provider.recv()
        rows = count_rows(database)
        tidy({**settings, "authkit.base_url": place.app}, database)
        later = count_rows(database)
    return Evidence(
        tally=tally,
        calls=read_journal(journal),
        audit=read_audit(folder / "audit.log"),
        warnings=(folder / "app.log").read_text(encoding="utf-8"),
        samples=samples,
        before=before,
        after=after,
        rows=rows,
        rows_later=later,
        threads=load.threads,
        memory=load.memory,
    )


class Watch:
    """Looks at the app's process.

    Args:
        app: the process.
        provider: the provider's port.
    """

    def __init__(self, app: BaseProcess, provider: int) -> None:
        self._process = app.pid or 0
        self._peers = {provider: "provider", 5432: "database"}

    def look(self) -> Sample:
        """Return what it holds now."""
        return look_at(self._process, self._peers)

    def idle(self) -> Sample:
        """Return what it holds once nobody is there any more, or what it still has when that takes too long."""
        ends_at = time.monotonic() + IDLE_SECONDS
        while (sample := self.look()).count("client") and time.monotonic() < ends_at:
            time.sleep(0.1)
        return sample

    def during(self, work: Callable[[], None], every: float) -> list[Sample]:
        """Do `work`, and return what the process holds meanwhile, now and then."""
        samples, is_done = [self.look()], threading.Event()

        def look_on() -> None:
            while not is_done.wait(every):
                samples.append(self.look())

        watcher = threading.Thread(target=look_on)
        watcher.start()
        try:
            work()
        finally:
            is_done.set()
            watcher.join()
        return samples


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


def _visitors(load: Load, place: Place) -> tuple[list[Visitor], Tally]:
    tally = Tally()
    visitors = [
        Visitor(Browser(place, tally), first_of(number), second_of(number), tally, Random(f"{load.seed} {number}"))  # noqa: S311
        for number in range(load.browsers)
    ]
    return visitors, tally


def _visit(visitors: Sequence[Visitor], load: Load, seconds: float) -> None:
    """Let everybody visit at the same time, until the time is over, or each has visited often enough."""
    ends_at, is_over = time.monotonic() + (seconds or float("inf")), threading.Event()

    def visit(visitor: Visitor, random: Random) -> None:
        done = 0
        try:
            while (
                time.monotonic() < ends_at
                and not is_over.wait(random.uniform(0, 2 * load.pause))
                and (not load.visits or done < load.visits)
            ):
                visitor.visit()
                done += 1
        except Exception as error:  # noqa: BLE001 - the others go on, and the run has failed
            visitor.tally.breach(f"a browser ended: {error!r}")
        finally:
            visitor.browser.close()

    crowd = [threading.Thread(target=visit, args=(each, Random(number))) for number, each in enumerate(visitors)]  # noqa: S311
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
