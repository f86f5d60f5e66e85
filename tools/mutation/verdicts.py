"""What has become of a mutant."""

from __future__ import annotations

import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KILLED, SURVIVED, OUT_OF_TIME = "killed", "survived", "out of time"
DIES, LIVES = 0, 7
SPACE = 3 << 30
Trial = Callable[[Callable[[str], object]], bool]
"""Tries one mutant: says which test it begins, and returns whether the mutant survived."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of a mutant, and which test noticed it."""

    word: str
    test: str = ""


def try_each(trials: Iterable[Trial], workers: int) -> Iterator[tuple[int, Verdict]]:
    """Run each trial in a fork of this process, some at the same time, and give number and verdict as they end."""
    running: dict[int, tuple[int, Path]] = {}
    waiting = enumerate(trials)
    with tempfile.TemporaryDirectory() as folder:
        while True:
            while len(running) < workers and (following := next(waiting, None)) is not None:
                number, trial = following
                note = Path(folder, str(number))
                running[_start(trial, note)] = number, note
            if not running:
                return
            child, status = os.wait()
            number, note = running.pop(child)
            with suppress(ProcessLookupError, PermissionError):  # what a test had started
                os.killpg(child, signal.SIGKILL)
            yield number, _verdict(status, note.read_text("utf-8") if note.exists() else "")


def within(worked: float, waited: float) -> None:
    """End this process when it works or waits for far longer than this, before it says so anew."""
    for timer, number, limit in (
        (signal.ITIMER_PROF, signal.SIGPROF, 4 + 10 * worked),
        (signal.ITIMER_REAL, signal.SIGALRM, 30 + 10 * waited),  # others use this machine, too
    ):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, limit)


def _start(trial: Trial, note: Path) -> int:
    child = os.fork()
    if child:
        return child
    survived = False
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (SPACE, SPACE))
        survived = trial(lambda test: note.write_text(test, "utf-8"))
    finally:  # whatever a mutant does to the tests' own machinery, it was noticed
        os._exit(LIVES if survived else DIES)


def _verdict(status: int, test: str) -> Verdict:
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == LIVES:
        return Verdict(SURVIVED)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGALRM, signal.SIGPROF}:
        return Verdict(OUT_OF_TIME, test)
    return Verdict(KILLED, test)
