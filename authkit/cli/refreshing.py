"""``authkit tokens refresh``: the run, and its summary."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import click

from authkit.accounts.bulk import FAILURES_IN_A_ROW, BulkRefresh, Outcome, Result
from authkit.accounts.duetokens import DueTokens, End, Window
from authkit.accounts.pace import Pace
from authkit.cli.amounts import say_time
from authkit.cli.interruption import Interruption
from authkit.cli.opening import open_store
from authkit.cli.progress import progress
from authkit.errors import AuthkitError, StoreUnavailable

__all__ = ["Options", "refresh"]

WORDS = {
    Result.REFRESHED: "Refreshed",
    Result.BY_OTHERS: "Refreshed by others meanwhile",
    Result.REAUTH: "Must sign in again",
    Result.FAILED: "Failed for now",
    Result.POSTPONED: "Failed a moment ago, and wait",
    Result.LEFT: "Left alone, as another refresh would not help",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``authkit tokens refresh`` was told."""

    due: timedelta
    end: End
    per_second: float
    workers: int
    ini: Path | None
    as_json: bool
    is_quiet: bool


@dataclass(slots=True)
class Summary:
    """What came of a run.

    Attributes:
        seconds: how long it took.
        counts: how many tokens ended in which way.
        codes: how many failed, by the code of the error.
        last: the last error of each code.
        stopped: the registrations that were stopped, with the last error of each.
        problem: why the list of tokens could not be read to its end, None if it could.
        is_interrupted: whether somebody ended it.
    """

    seconds: float = 0.0
    counts: Counter[Result] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    last: dict[str, AuthkitError] = field(default_factory=dict)
    stopped: dict[str, AuthkitError] = field(default_factory=dict)
    problem: AuthkitError | None = None
    is_interrupted: bool = False

    def add(self, outcome: Outcome) -> None:
        """Count one token."""
        self.counts[outcome.result] += 1
        if outcome.result is Result.FAILED and outcome.error is not None:
            self.codes[outcome.error.code] += 1
            self.last[outcome.error.code] = outcome.error

    @property
    def has_failed(self) -> bool:
        """Whether there is something to be done again, or looked into."""
        return bool(self.counts[Result.FAILED] or self.counts[Result.POSTPONED] or self.stopped or self.problem)


def refresh(options: Options) -> int:
    """Refresh what is due, and return the exit status."""
    kit, database = open_store(options.ini)
    summary, began_at = Summary(), time.monotonic()
    with closing(database), Interruption() as interruption:
        pace = Pace(options.per_second, sleep=interruption.sleep)
        bulk = BulkRefresh(kit, database, pace=pace, workers=options.workers, is_ending=interruption.has_come)
        now = kit.now()
        window = Window(options.end, now, now + options.due)
        total = bulk.due.count(window)
        with progress("Refreshing", total, is_quiet=options.is_quiet or options.as_json) as advance:
            try:
                for outcome in bulk.run(window):
                    summary.add(outcome)
                    advance()
            except StoreUnavailable as error:
                summary.problem = error
        hint = _hint(bulk.due, window) if total == 0 else ""
    summary.stopped, summary.is_interrupted = bulk.stopped, interruption.has_come()
    summary.seconds = time.monotonic() - began_at
    _print(summary, options, hint)
    return interruption.status if summary.is_interrupted else int(summary.has_failed)


def _hint(due: DueTokens, window: Window) -> str:
    """Return why nothing is due."""
    first = due.next_end(window.end)
    if first is None:
        return "Nothing is due: no token is kept that ends."
    what = "refresh" if window.end is End.REFRESH else "access"
    left = say_time((first - window.now).total_seconds())
    text = f"Nothing is due: the next {what} token ends in {left}, at {first:%Y-%m-%d %H:%M} UTC."
    if window.end is End.ACCESS:
        return text
    ending = due.count(replace(window, end=End.ACCESS))
    return f"{text} Access tokens that end by then: {ending:,}; --of access refreshes them." if ending else text


def _print(summary: Summary, options: Options, hint: str) -> None:
    if options.as_json:
        click.echo(json.dumps(_as_json(summary), indent=2))
    elif not options.is_quiet or summary.has_failed:
        for line in [hint] if hint else _lines(summary):
            click.echo(line)


def _lines(summary: Summary) -> list[str]:
    counts = summary.counts
    lines = [
        f"{words}: {counts[result]:,}{_by_code(summary.codes) if result is Result.FAILED else ''}"
        for result, words in WORDS.items()
        if counts[result] or result is Result.REFRESHED
    ]
    lines += [f"The last: {_why(error)}" for error in summary.last.values() if error not in summary.stopped.values()]
    lines += [
        f"{name}: stopped after {FAILURES_IN_A_ROW} failures in a row, the last: {_why(error)}. "
        "Its other tokens are left for the next run."
        for name, error in summary.stopped.items()
    ]
    if summary.problem is not None:
        lines.append(f"The list of tokens could not be read to its end: {_why(summary.problem)}")
    if summary.is_interrupted:
        lines.append("Interrupted; started again, it goes on with what is still due.")
    return [*lines, f"It took {say_time(summary.seconds)}."]


def _by_code(codes: Counter[str]) -> str:
    listed = ", ".join(f"{code}: {number:,}" for code, number in codes.most_common())
    return f" ({listed})" if listed else ""


def _why(error: AuthkitError) -> str:
    return f"{error.code} ({error.reason})" if error.reason else error.code


def _as_json(summary: Summary) -> dict[str, object]:
    return {
        **{result.value: summary.counts[result] for result in Result},
        "failed_by_code": dict(summary.codes),
        "stopped": {name: {"code": error.code, "reason": error.reason} for name, error in summary.stopped.items()},
        "problem": summary.problem.reason if summary.problem else None,
        "interrupted": summary.is_interrupted,
        "seconds": round(summary.seconds, 1),
    }
