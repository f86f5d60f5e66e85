"""The processes of a run: the provider on one core, the app on another. What they cost is read from /proc."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from contestants import Peer
from driver import App
from environments import BENCH, HERE, PEERS, TLS, TOOLS, python_of
from provider import CLIENT_ID, CLIENT_SECRET, SITE

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
LOG = BENCH / "log"
KEPT = ("HOME", "LANG", "PATH", "TMPDIR")
"""Of this process's environment; another set of roots or a proxy in it would be others' work than a login."""


class NotStartedError(Exception):
    """A process that ended before it said where it listens."""


ALL_CORES = sorted(os.sched_getaffinity(0))


def cores() -> tuple[int | None, int | None]:
    """Return the core of driver and provider, and that of the app; None where there is only one.

    They are those of the start: what a process that stays on one core starts would stay there as well.
    """
    return (ALL_CORES[0], ALL_CORES[-1]) if len(ALL_CORES) > 1 else (None, None)


@contextmanager
def started(command: Sequence[str | Path], **environment: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Start a process that tells its ports in one line, and end it afterwards."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("a") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=BENCH,
            env={**kept, **environment},
        )
    said, end = cast("IO[str]", process.stdout), cast("IO[str]", process.stdin)
    try:
        line = said.readline()
        if not line:
            raise NotStartedError(f"{command[0]} did not start; {LOG} says why")
        yield process.pid, json.loads(line)
    finally:
        end.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        said.close()


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU that a process has taken, children that have ended included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


@dataclass(frozen=True)
class Provider:
    """A provider that runs, and the way to tell it things."""

    ports: Mapping[str, int]
    pid: int

    def cpu(self) -> float:
        """Return the seconds of CPU that the provider has taken."""
        return cpu_of(self.pid)

    def origin(self, scheme: str) -> str:
        """Return the origin for a scheme."""
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}"

    def tell(self, command: str = "counts") -> dict[str, int]:
        """Tell the provider something, and return what it has seen so far."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["control"], timeout=10)
        connection.request("GET", f"/{command}")
        counts: dict[str, int] = json.load(connection.getresponse())
        connection.close()
        return counts


@contextmanager
def provider(python: Path | None = None, certificates: Path = TLS) -> Iterator[Provider]:
    """Run the provider, in the environment of the tools if no other is named."""
    core, _ = cores()
    pin = [] if core is None else ["--core", str(core)]
    command = [python or python_of(TOOLS), HERE / "provider.py", "--certificates", certificates, *pin]
    with started(command) as (pid, ports):
        yield Provider(ports, pid)


@dataclass(frozen=True)
class Server:
    """An app that is being served."""

    app: App
    pid: int

    def cpu(self) -> float:
        """Return the seconds of CPU that the server has taken, children included."""
        return cpu_of(self.pid)

    def mebibytes(self) -> float:
        """Return the resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / 2**20


@contextmanager
def served(peer: Peer, origin: str, threads: int, python: Path | None = None, **environment: str) -> Iterator[Server]:
    """Serve a peer's app with so many threads, towards a provider; in its own environment if no other is named."""
    _, core = cores()
    folder = PEERS / peer.folder
    if peer.is_node:
        pinned = [] if core is None else ["taskset", "--cpu-list", str(core)]
        command: list[str | Path] = [*pinned, "node", folder / "app.js", SITE, origin, CLIENT_ID, CLIENT_SECRET]
    else:
        pin = [] if core is None else ["--core", str(core)]
        threaded = ["--threads", str(min(threads, peer.most_threads)), *pin]
        command = [
            python or python_of(peer.environment),
            HERE / "serving.py",
            folder,
            peer.factory,
            origin,
            *threaded,
        ]
    environment |= {
        "NODE_EXTRA_CA_CERTS": str(TLS / "root.pem"),
        "NODE_ENV": "production",
        "PYTHONWARNINGS": "ignore",
    }
    if origin.startswith("http:"):
        environment["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    with started(command, **environment) as (pid, said):
        yield Server(App(**said), pid)
