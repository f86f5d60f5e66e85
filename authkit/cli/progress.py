"""Progress of long work: a bar on a terminal, a line now and then elsewhere. It goes to the standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from authkit.cli.amounts import say_time

__all__ = ["progress"]

INTERVAL = 30.0


@contextmanager
def progress(
    title: str,
    total: int,
    *,
    is_quiet: bool = False,
    console: Console | None = None,
    timer: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[], None]]:
    """Give what is to be called for each piece of work that is done.

    Args:
        title: what is going on.
        total: how many pieces there are.
        is_quiet: whether to show nothing.
        console: where to show it, the standard error if None.
        timer: counts seconds.
    """
    console = console or Console(stderr=True, highlight=False)
    if is_quiet:
        yield _nothing
    elif console.is_terminal:
        columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bars:
            task = bars.add_task(title, total=total)
            yield lambda: bars.advance(task)
    else:
        yield Lines(title, total, console, timer).advance


class Rate(ProgressColumn):
    """How many pieces a second were done of late."""

    def render(self, task: Task) -> Text:
        """Return what is shown of a task."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


class Lines:
    """Prints a line every 30 seconds, when a piece is done."""

    def __init__(self, title: str, total: int, console: Console, timer: Callable[[], float]) -> None:
        self._title = title
        self._total = total
        self._console = console
        self._timer = timer
        self._began_at = self._printed_at = timer()
        self._done = 0

    def advance(self) -> None:
        """Count one more piece."""
        self._done += 1
        now = self._timer()
        if now - self._printed_at < INTERVAL:
            return
        self._printed_at = now
        rate = self._done / (now - self._began_at)
        left = say_time(max(0, self._total - self._done) / rate)
        self._console.print(
            f"{self._title}: {self._done:,} of {self._total:,}, {rate:.1f}/s, about {left} left", soft_wrap=True
        )


def _nothing() -> None:
    """Show nothing."""
