"""`Watch`: what a process holds, seen from outside: memory, threads, descriptors, and sockets by what they are."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

__all__ = ["Sample", "Watch"]

IDLE_SECONDS = 40
"""How long it may take until everybody has gone."""
STATES = (
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
)
"""What the kernel numbers from 1."""
DATABASE_FILE = re.compile(r"\.db(-wal|-shm)?$")


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at a process.

    Attributes:
        at: when, by a clock that only goes forward.
        rss: the memory that is in use, in KiB.
        threads: how many there are.
        descriptors: how many files and sockets are open.
        kinds: how many there are of each kind, such as ``provider ESTABLISHED``, or ``database file``.
        blocks: how many blocks of memory Python has in use; 0 if it was not asked.
        allocated: how much is allocated from the C library, in KiB; 0 if it was not asked.
    """

    at: float
    rss: int
    threads: int
    descriptors: int
    kinds: Counter[str]
    blocks: int = 0
    allocated: int = 0

    def count(self, kind: str) -> int:
        """Return how many there are of a kind, sockets in whatever state."""
        return sum(number for name, number in self.kinds.items() if name.partition(" ")[0] == kind)


class Watch:
    """Looks at the app's process.

    Args:
        app: the process.
        pipe: the pipe to it.
        provider: the provider's port.
    """

    def __init__(self, app: BaseProcess, pipe: Connection, provider: int) -> None:
        self._process = app.pid or 0
        self._pipe = pipe
        self._peers = {provider: "provider", 5432: "database"}

    def look(self) -> Sample:
        """Return what it holds now."""
        return _look_at(self._process, self._peers)

    def idle(self) -> Sample:
        """Return what it holds once nobody is there any more, or what it still has when that takes too long."""
        ends_at = time.monotonic() + IDLE_SECONDS
        while self.look().count("client") and time.monotonic() < ends_at:
            time.sleep(0.1)
        self._pipe.send("what is in use?")
        blocks, allocated = self._pipe.recv()
        return replace(self.look(), blocks=blocks, allocated=allocated // 1024)

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


def _look_at(process: int, peers: Mapping[int, str]) -> Sample:
    """Return what a process holds.

    Args:
        process: its id.
        peers: what the sockets are called that have one of these ports at the other end; ``client`` is any other.
    """
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    links, known = _links(process), _connections(process, peers)
    return Sample(
        at=time.monotonic(),
        rss=int(status["VmRSS"].split()[0]),
        threads=int(status["Threads"]),
        descriptors=len(links),
        kinds=Counter(known.get(link) or _kind_of(link) for link in links),
    )


def _links(process: int) -> list[str]:
    """Return what each descriptor leads to."""
    folder, found = f"/proc/{process}/fd", []
    for name in os.listdir(folder):  # noqa: PTH208 - pathlib is half as fast
        with suppress(OSError):  # closed meanwhile
            found.append(os.readlink(f"{folder}/{name}"))  # noqa: PTH115 - as above
    return found


def _kind_of(link: str) -> str:
    """Return what a descriptor is that no table of sockets has: a connection that was reset, for example, is dead."""
    if DATABASE_FILE.search(link):
        return "database file"
    return "dead socket" if link.startswith("socket:") else "rest"


def _connections(process: int, peers: Mapping[int, str]) -> Mapping[str, str]:
    """Return what each socket is, by its link (proc(5))."""
    found = {}
    with suppress(OSError):
        for line in Path(f"/proc/{process}/net/unix").read_text().splitlines()[1:]:
            found[f"socket:[{line.split()[6]}]"] = "rest"
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                state, port = STATES[int(fields[3], 16) - 1], int(fields[2].rpartition(":")[2], 16)
                found[f"socket:[{fields[9]}]"] = (
                    f"{'listener' if state == 'LISTEN' else peers.get(port, 'client')} {state}"
                )
    return found
