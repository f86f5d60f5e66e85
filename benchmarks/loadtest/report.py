"""What a run has shown: as a page of text, and as a page of the docs."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from loadtest.faultmix import MIX
from loadtest.plot import plot
from loadtest.run import Load
from loadtest.verdict import REFUSED_AT_ONCE, Evidence, Promise

__all__ = ["Report"]

PLACE = Path(__file__).with_name("report.md")
"""The page of the docs, with gaps."""


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
        """Write the page of the docs, and the drawing beside it."""
        drawing = page.parent / "images" / f"{page.stem}.svg"
        drawing.write_text(plot(self.evidence.samples), encoding="utf-8")
        page.write_text(
            PLACE.read_text(encoding="utf-8").format_map(self._gaps(f"images/{drawing.name}")), encoding="utf-8"
        )

    def _gaps(self, drawing: str) -> Mapping[str, str]:
        load = self.load
        return {
            "browsers": f"{load.browsers}",
            "minutes": f"{load.seconds / 60:g}",
            "warm_up": f"{load.warm_up:g}",
            "faulty": f"{load.faulty:.0%}",
            "pause": f"{load.pause:g}",
            "threads": f"{load.threads}",
            "database": self.database,
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {date.today():%Y-%m-%d}",  # noqa: DTZ011 - for people
            "busy": f"{self.busy:.1f}",
            "figures": _table(("", ""), self._figures()),
            "ends": _table(("what ended how", "number"), self._ends()),
            "faults": _table(("fault", "of all faults"), _shares()),
            "promises": _table(
                ("promise", "kept", "measured"),
                ((each.text, "yes" if each.is_kept else "**no**", each.detail) for each in self.promises),
            ),
            "drawing": drawing,
        }

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
        causes = {line.reference: line.cause for line in self.evidence.audit}
        ends: Counter[str] = Counter()
        for attempt in self.evidence.tally.attempts:
            at_once = any(text in causes.get(attempt.reference, "") for text in REFUSED_AT_ONCE)
            ends[f"{attempt.kind}: {attempt.outcome}{', so that others need not wait' if at_once else ''}"] += 1
        others = {
            f"visit: {kind}: {end}": number
            for (kind, end), number in self.evidence.tally.outcomes.items()
            if kind in {"deny", "replay", "come as somebody else", "give up", "link or unlink"}
        }
        return [(name, f"{number:,}") for name, number in sorted({**ends, **others}.items())]


def _shares() -> Iterator[tuple[str, str]]:
    everything = sum(blow.weight for blow in MIX)
    for blow in MIX:
        yield f"`{blow.fault}`", f"{blow.weight / everything:.1%}"


def _percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all, 0 to 1, do not exceed."""
    ordered = sorted(values) or [0.0]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))
