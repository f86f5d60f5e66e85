"""The promises: what has to hold at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtest.audit import Line
from loadtest.explained import Explanation
from loadtest.provider import Call
from loadtest.rows import Rows
from loadtest.tally import Tally
from loadtest.watch import Sample

__all__ = ["Evidence", "Promise", "growth", "judge"]

LONGEST_ANSWER = 25.0
"""A login may ask the provider for 15 s, and waits for its turn before."""
BLOCKS = 10_000
"""Python has some 500,000 after the warm-up; the smallest thing kept of each login would be thousands."""
ALLOCATED = 4096
"""KiB. What is larger than 512 bytes, and what SQLite and OpenSSL have."""
POOLED_CONNECTIONS = 5
"""To the database, when nobody uses it: what SQLAlchemy keeps."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that has to hold.

    Attributes:
        text: what it is.
        is_kept: whether it holds.
        detail: the numbers by which that is judged.
        shown: what breaks it; the first ten.
    """

    text: str
    is_kept: bool
    detail: str
    shown: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that a run has shown.

    Attributes:
        tally: what the browsers have seen.
        calls: what the provider was asked.
        audit: the lines of the app's audit log.
        warnings: what else the app has logged.
        samples: the looks at the app's process, after the warm-up.
        before: a look at it after the warm-up, when nobody was there.
        after: the same at the end.
        rows: what was in the database at the end.
        rows_later: the same, many hours later.
        threads: how many threads serve the app.
        memory: how many KiB the app may grow by.
    """

    tally: Tally
    calls: Sequence[Call]
    audit: Sequence[Line]
    warnings: str
    samples: Sequence[Sample]
    before: Sample
    after: Sample
    rows: Rows
    rows_later: Rows
    threads: int
    memory: int


def judge(evidence: Evidence) -> list[Promise]:
    """Return every promise, kept or not."""
    return [*_of_logins(evidence), *_of_process(evidence), *_of_rows(evidence)]


def growth(samples: Sequence[Sample]) -> float:
    """Return by how many KiB memory grew in the last two thirds of `samples`: the slope of a line through them."""
    late = samples[len(samples) // 3 :]
    if len(late) < 2:
        return 0.0
    mean_at = sum(sample.at for sample in late) / len(late)
    mean_rss = sum(sample.rss for sample in late) / len(late)
    covariance = sum((sample.at - mean_at) * (sample.rss - mean_rss) for sample in late)
    slope = covariance / sum((sample.at - mean_at) ** 2 for sample in late)
    return slope * (late[-1].at - late[0].at)


# Logins


def _of_logins(evidence: Evidence) -> Iterator[Promise]:
    tally = evidence.tally
    yield _none(
        "Each answer of the app is a documented one, and whoever signed in is who consented",
        tally.breaches,
        f"{len(tally.waits):,} answers",
    )
    yield _none(
        "Each login ended in success, or in a code that fits what the provider did",
        list(Explanation(evidence.calls, evidence.audit).unfit(tally.attempts))
        if tally.attempts
        else ["there was none"],
        f"{tally.ended:,} logins, links and refreshes",
    )
    written = Counter(line.code for line in evidence.audit)
    yield _none(
        "Each end of a login has one line in the audit log",
        [
            f"{code}: {written[code]} lines for {tally.audited[code]} ends"
            for code in written | tally.audited
            if written[code] != tally.audited[code]
        ],
        f"{sum(written.values()):,} lines",
    )
    failures = [line for line in evidence.warnings.splitlines() if " ERROR " in line or "Traceback" in line]
    yield _none("The app has logged no error and no traceback", failures, f"{len(failures)}")
    slowest = max(tally.waits, default=0.0)
    yield Promise(
        f"Each answer came within {LONGEST_ANSWER:g} s",
        slowest <= LONGEST_ANSWER,
        f"the slowest took {slowest:.1f} s",
    )


def _none(text: str, found: Sequence[str], detail: str) -> Promise:
    """Return the promise that nothing is found."""
    return Promise(text, not found, detail, found[:10])


# The process


def _of_process(evidence: Evidence) -> Iterator[Promise]:
    before, after = evidence.before, evidence.after
    objects, allocated = after.blocks - before.blocks, after.allocated - before.allocated
    yield Promise(
        f"Python has {BLOCKS:,} more blocks of memory in use at most",
        objects <= BLOCKS,
        f"{before.blocks:,} after the warm-up, {objects:+,} at the end",
    )
    yield Promise(
        "The C library has 4 MiB more allocated at most",
        allocated <= ALLOCATED,
        f"{before.allocated / 1024:.1f} MiB after the warm-up, {allocated / 1024:+.1f} at the end",
    )
    slope = growth(evidence.samples)
    yield Promise(
        f"What the process holds grows by {evidence.memory / 1024:g} MiB at most in the last two thirds",
        slope <= evidence.memory,
        f"{slope / 1024:+.1f} MiB; {before.rss / 1024:.0f} MiB after the warm-up, {after.rss / 1024:.0f} at the end",
    )
    yield Promise(
        "There are as many threads as before", after.threads <= before.threads, f"{before.threads}, {after.threads}"
    )
    yield Promise("No connection to a browser is left", after.count("client") == 0, f"{after.count('client')}")
    yield Promise(
        "No more connections to the provider are kept than threads could use at a time",
        _provider(after) <= evidence.threads,
        f"{_provider(before)} after the warm-up, {_provider(after)} at the end",
    )
    kept, most = after.count("database"), POOLED_CONNECTIONS
    if after.kinds["database file"]:  # SQLite closes the main file late, keeps a log for each, and an index for all
        most = max(evidence.threads, POOLED_CONNECTIONS) + POOLED_CONNECTIONS + 1
    yield Promise(
        "The database's pool is no larger than it may be", kept <= most, f"{kept} descriptors, {most} at most"
    )
    rest = [each.descriptors - _provider(each) - each.count("database") for each in (before, after)]
    yield Promise(
        "Nothing else is left open",
        rest[1] <= rest[0],
        f"{rest[0]} descriptors after the warm-up, {rest[1]} at the end",
    )


def _provider(sample: Sample) -> int:
    """Return how many connections to the provider there are; a dead one cannot be told from one to somebody else."""
    return sample.count("provider") + sample.count("dead")


# Rows


def _of_rows(evidence: Evidence) -> Iterator[Promise]:
    tally, rows, later = evidence.tally, evidence.rows, evidence.rows_later
    wanted = tally.people | tally.linked
    yield Promise(
        "Whoever signed in has an account, and nobody else",
        rows.counts["accounts"] == len(tally.people) == rows.events["created"],
        f"{rows.counts['accounts']} accounts of {len(tally.people)} people",
    )
    yield Promise(
        "Each identity is somebody's who proved it, and has a token; nothing is without its owner",
        rows.subjects == wanted
        and rows.strays == 0
        and rows.counts["tokens"] == rows.counts["identities"] == len(wanted),
        f"{rows.counts['identities']} identities, {rows.counts['tokens']} tokens, {rows.strays} without an owner",
    )
    written = sum(rows.events[event] for event in ("created", "signed_in", "linked", "unlinked"))
    yield Promise(
        "Each success has one row in the audit trail",
        written == tally.audited["ok"],
        f"{written:,} rows for {tally.audited['ok']:,} successes",
    )
    yield Promise(
        "Claims and revocations end",
        later.counts["claims"] == 1 and later.counts["revocations"] == 0 and later.counts["sessions"] == 0,
        f"{rows.counts['claims']:,} claims and {rows.counts['revocations']} revocations at the end, "
        f"{later.counts['claims'] - 1} and {later.counts['revocations']} after 13 hours",
    )
