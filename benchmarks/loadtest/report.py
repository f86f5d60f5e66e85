"""What a run has shown: as a page of text, and as a page of the docs."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from loadtest.explained import Explanation
from loadtest.faultmix import MIX, Blow
from loadtest.plot import plot
from loadtest.run import Load
from loadtest.verdict import Evidence, Promise

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """A run.

    Attributes:
        load: what was done.
        database: the kind of database.
        evidence: what that has shown.
        promises: what is kept of the promises.
        busy: how many processes wanted to run on this machine, in the mean, at the end.
    """

    load: Load
    database: str
    evidence: Evidence
    promises: Sequence[Promise]
    busy: float = field(default_factory=lambda: os.getloadavg()[1])

    @property
    def is_good(self) -> bool:
        """Whether every promise is kept."""
        return all(promise.is_kept for promise in self.promises)

    def as_text(self) -> str:
        """Return the page of text."""
        marks = {True: "kept  ", False: "BROKEN"}
        numbers = [f"  {name:54} {number:>9}" for name, number in (*self._figures(), *self._ends())]
        promises = [
            f"{marks[promise.is_kept]}  {promise.text}: {promise.detail}"
            + "".join(f"\n          {each}" for each in promise.shown)
            for promise in self.promises
        ]
        return "\n".join([*numbers, "", *promises])

    def write(self, page: Path) -> None:
        """Write what came of it into a page of the docs, between its marks, and the drawing beside it."""
        text = page.read_text(encoding="utf-8")
        for name, content in {f"load-{self.database}": self._section(), "load-faults": _faults()}.items():
            before, mark, rest = text.partition(f"<!-- {name} -->\n")
            after = rest.partition(f"<!-- /{name} -->")[2]
            text = f"{before}{mark}{content}\n<!-- /{name} -->{after}"
        page.write_text(text, encoding="utf-8")
        drawing = page.parent / "images" / f"load-{self.database}.svg"
        drawing.write_text(plot(self.evidence.samples), encoding="utf-8")

    def _section(self) -> str:
        load = self.load
        done = (
            f"{date.today():%Y-%m-%d}: {load.browsers} browsers for {load.seconds / 60:g} minutes, after "  # noqa: DTZ011
            f"{load.warm_up:g} s to warm up; one process of the app, with {load.threads} threads, on Python "
            f"{platform.python_version()}. The machine has {os.cpu_count()} cores, and was shared: "
            f"{self.busy:.0f} processes\nwanted to run at a time, those of the test included."
        )
        promises = [(each.text, "yes" if each.is_kept else "**no**", each.detail) for each in self.promises]
        return "\n\n".join(
            [
                done,
                _table(("promise", "kept", "measured"), promises),
                _table(("figure", ""), self._figures()),
                _table(("what ended how", "number"), self._ends()),
            ]
        )

    def _figures(self) -> Iterator[tuple[str, str]]:
        tally, calls = self.evidence.tally, self.evidence.calls
        faulty = sum(bool(call.fault) for call in calls)
        yield "logins, links and refreshes that ended", f"{tally.ended:,}"
        yield "calls to the provider", f"{len(calls):,}"
        yield "of which faulty", f"{faulty:,} ({faulty / max(len(calls), 1):.1%})"
        yield "answers of the app", f"{len(tally.waits):,}"
        for share in (0.5, 0.95, 0.99):
            yield f"{share:.0%} of its answers came within", f"{_percentile(tally.waits, share):.3f} s"
        yield (
            "cookies for logins that a browser had, at most",
            f"{tally.most_cookies}, {tally.most_cookie_bytes:,} bytes",
        )

    def _ends(self) -> list[tuple[str, str]]:
        explanation = Explanation(self.evidence.calls, self.evidence.audit)
        ends: Counter[str] = Counter()
        for attempt in self.evidence.tally.attempts:
            at_once, lost = explanation.is_refused_at_once(attempt), explanation.is_lost(attempt)
            why = ", so that others need not wait" if at_once else ", as a call did not arrive" if lost else ""
            ends[f"{attempt.kind}: {attempt.outcome}{why}"] += 1
        others = {
            f"visit: {kind}: {end}": number
            for (kind, end), number in self.evidence.tally.outcomes.items()
            if kind in {"deny", "replay", "come as somebody else", "give up", "link or unlink"}
        }
        return [(name, f"{number:,}") for name, number in sorted({**ends, **others}.items())]


def _faults() -> str:
    everything = sum(blow.weight for blow in MIX)
    rows = ((f"`{blow.fault}`", f"{blow.weight / everything:.1%}", _outcomes(blow)) for blow in MIX)
    return _table(("fault", "of all faults", "a login ends in"), rows)


def _outcomes(blow: Blow) -> str:
    usual, others = ", ".join(sorted(blow.becomes)), ", ".join(sorted(blow.at_userinfo))
    return f"{usual}; at user info also {others}" if others else usual


def _percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all, 0 to 1, do not exceed."""
    ordered = sorted(values) or [0.0]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))
