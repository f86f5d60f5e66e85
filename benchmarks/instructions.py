"""How many instructions of the processor the hot paths take, beside what is on record.

    python benchmarks/instructions.py [--record]

Counts do not depend on what else a machine does, so that a path that has become slower shows at once: more than a
tenth above the record fails. They do depend on the interpreter, so each minor version of Python has a record of its
own; without one, nothing is compared. valgrind counts, which has to be installed.

The program starts itself under valgrind. There, each path is prepared, warmed up, and taken by a fork of the process,
while another fork takes it not at all: the difference is what it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from hotpaths import PATHS

RECORD = Path(__file__).with_suffix(".json")
PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor}"
WARM_UP, ROUNDS = 5, 20
GROWTH = 1.10


def take_all(folder: Path) -> None:
    """Take each path in a fork, and none in another. Runs under valgrind, which writes a file for each process."""
    for name, path in PATHS.items():
        call = path(WARM_UP + ROUNDS)
        for _ in range(WARM_UP):
            call()
        for rounds in (0, ROUNDS):
            process = fork(call, rounds)
            (folder / f"{name}.{rounds}").write_text(str(process))


def fork(call: Callable[[], object], rounds: int) -> int:
    """Take a path so many times in a process of its own, and return the number of that."""
    process = os.fork()
    if process:
        os.waitpid(process, 0)
        return process
    for _ in range(rounds):
        call()
    os._exit(0)


def count() -> dict[str, int]:
    """Return the thousands of instructions that each path takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out.%p", "--quiet"]
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        ourselves = [sys.executable, __file__, "--take-all", name]
        subprocess.run([*command, *ourselves], check=True, env=environment)
        return {path: (total(folder, path, ROUNDS) - total(folder, path, 0)) // ROUNDS // 1000 for path in PATHS}


def total(folder: Path, path: str, rounds: int) -> int:
    """Return the instructions of the process that took `path` so many times, what went before included."""
    process = (folder / f"{path}.{rounds}").read_text()
    found = re.search(r"^(?:summary|totals): (\d+)", (folder / f"out.{process}").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"valgrind has counted nothing for {path!r}")
    return int(found[1])


def compare(counts: dict[str, int], recorded: dict[str, int]) -> bool:
    """Say what each path takes, and return whether none takes much more than is on record."""
    for path, counted in counts.items():
        before = recorded.get(path)
        beside = f"{counted / before:.2f} x the record" if before else "not on record"
        say(f"{path:<21} {counted:8,} thousand instructions   {beside}")
    return all(counted <= GROWTH * recorded.get(path, counted) for path, counted in counts.items())


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def main() -> int:
    """Count, and compare or record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true", help="take what is counted as the record")
    parser.add_argument("--take-all", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.take_all:
        take_all(given.take_all)
        return 0
    if shutil.which("valgrind") is None:
        say("valgrind is not installed; nothing is counted")
        return 2
    records = json.loads(RECORD.read_text())
    counts = count()
    is_good = compare(counts, records.get(PYTHON, {}))
    if given.record:
        records[PYTHON] = counts
        RECORD.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n")
        return 0
    if not is_good:
        say(f"a path takes more than {GROWTH - 1:.0%} more than before; if it has to: make instructions RECORD=1")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
