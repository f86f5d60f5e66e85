"""Processes that do something at the same moment, again and again, and say what came of it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from typing import Any, NamedTuple

PATIENCE = 100
"""How long a round may take, in seconds, on a machine that has much else to do."""

IMPORTED = ("authkit.accounts", "authkit_tiktok.provider", "psycopg", "pymysql", "pytest", "requests_oauthlib")
"""What takes long to import."""

Task = Callable[[Any, str], object]
"""What a runner does: a plain function, that is given the world of its process, and a word of the test's."""


class Outcome(NamedTuple):
    """What came of one run: what the task returned, or the traceback of what it raised."""

    returned: Any
    failure: str = ""


class Runners:
    """Processes with threads, each of which does one task per round; all of them start a round together."""

    def __init__(self, connections: Sequence[Connection], threads: int) -> None:
        self._connections = connections
        self._threads = threads

    def run(self, words: Sequence[str]) -> list[Outcome]:
        """Let each runner do its task, with one word each, and return what came of it."""
        assert len(words) == self._threads * len(self._connections)
        for number, connection in enumerate(self._connections):
            connection.send(words[number * self._threads : (number + 1) * self._threads])
        outcomes: list[Outcome] = []
        for connection in self._connections:
            assert connection.poll(PATIENCE), "a process gave no answer"
            outcomes += connection.recv()
        return outcomes


def new_processes() -> ForkServerContext:
    """Return what makes processes: forks of one that has imported what takes long, and has begun nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


@contextmanager
def runners(make: Callable[[str], Any], task: Task, url: str, *, processes: int, threads: int) -> Iterator[Runners]:
    """Give processes that do `task` in the world that `make` makes of `url`; they end with the block.

    They are no forks of this process, and share nothing with it, as those of several servers do not.
    """
    context = new_processes()
    barrier = context.Barrier(processes * threads)
    pipes = [context.Pipe() for _ in range(processes)]
    started = [
        context.Process(target=_serve, args=(make, task, url, threads, theirs, barrier), daemon=True)
        for _, theirs in pipes
    ]
    for process in started:
        process.start()
    try:
        for ours, _ in pipes:
            assert ours.poll(PATIENCE), "a process did not start"
            assert ours.recv() == "ready"
        yield Runners([ours for ours, _ in pipes], threads)
    finally:
        for process in started:
            process.kill()
            process.join(PATIENCE)
        for ours, theirs in pipes:
            ours.close()
            theirs.close()


def _serve(make: Any, task: Task, url: str, threads: int, connection: Connection, barrier: Any) -> None:
    world = make(url)
    connection.send("ready")
    while True:
        try:
            words = connection.recv()
        except EOFError:
            os._exit(0)
        outcomes: list[Any] = [Outcome(None, "it never came to an end")] * threads

        def run(number: int, word: str, outcomes: list[Any] = outcomes) -> None:
            try:
                barrier.wait(PATIENCE)
                outcomes[number] = Outcome(task(world, word))
            except BaseException:  # noqa: BLE001 - the test shows it
                outcomes[number] = Outcome(None, traceback.format_exc())

        running = [threading.Thread(target=run, args=(number, word)) for number, word in enumerate(words)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        connection.send(outcomes)
