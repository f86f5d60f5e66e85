"""How long an app takes to start: a fresh process that imports and makes it, its libraries' bytecode compiled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from contestants import AUTHKIT, Peer
from environments import BENCH, PEERS, python_of
from processes import KEPT

MAKE = (
    "import sys; folder, factory = sys.argv[1:]; sys.path[0] = folder; import app; "
    "getattr(app, factory)('https://app.example', 'https://provider.example', 'key', 'secret')"
)
COUNT = (
    "import sys, authkit; "
    "print(sum(name.partition('.')[0] not in sys.stdlib_module_names for name in sys.modules if name != '__main__'))"
)
NOTHING = "nothing"
IMPORT = "import authkit"


@dataclass(frozen=True)
class ColdStarts:
    """Seconds of CPU that a process takes beyond one that does nothing.

    Attributes:
        apps: by peer: to import and make its app.
        import_authkit: to import authkit and nothing else.
        modules: how many modules outside the standard library that imports.
    """

    apps: Mapping[str, float]
    import_authkit: float
    modules: int


def command_of(peer: Peer) -> list[str | Path]:
    """Return the command that makes a peer's app, and ends."""
    return [python_of(peer.environment), "-c", MAKE, PEERS / peer.folder, peer.factory]


def cpu_of(command: Sequence[str | Path]) -> float:
    """Run a process to its end, and return the seconds of CPU it took."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    started = subprocess.Popen(
        command, env={**environment, "PYTHONWARNINGS": "ignore"}, stdout=subprocess.DEVNULL, cwd=BENCH
    )
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise SystemExit(f"{command} failed")
    return usage.ru_utime + usage.ru_stime


def measure_starts(peers: Sequence[Peer], rounds: int) -> ColdStarts:
    """Start all apps in turns; the medians are what is told."""
    python = python_of(AUTHKIT.environment)
    commands: dict[str, list[str | Path]] = {NOTHING: [python, "-c", "pass"], IMPORT: [python, "-c", IMPORT]}
    commands |= {peer.name: command_of(peer) for peer in peers if not peer.is_node}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            seconds = cpu_of(command)
            if number:  # the first writes the bytecode, and warms the cache of files
                taken[name].append(seconds)
    nothing = median(taken.pop(NOTHING))
    above = {name: median(seconds) - nothing for name, seconds in taken.items()}
    counted = subprocess.run([python, "-c", COUNT], capture_output=True, text=True, check=True, cwd=BENCH)
    return ColdStarts(apps=above, import_authkit=above.pop(IMPORT), modules=int(counted.stdout))
