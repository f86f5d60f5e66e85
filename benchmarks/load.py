"""Browsers at an app, and a provider some of whose answers are late, damaged or none: what is kept of the promises.

    python benchmarks/load.py [--browsers 50] [--minutes 10] [--faulty 5] [--database sqlite] [--report docs/load.md]

Three processes: the emulator of TikTok over TLS, an app of Pyramid with accounts under waitress, and this one with
the browsers. The exit status is 1 if a promise is broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest.report import Report
from loadtest.run import Load, run
from loadtest.verdict import judge
from throwaway import postgresql


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def main() -> int:
    """Run, print, and return the exit status."""
    options = _options()
    load = Load(
        browsers=options.browsers,
        seconds=options.minutes * 60,
        warm_up=min(60.0, options.minutes * 12),
        pause=options.pause,
        faulty=options.faulty / 100,
        seed=options.seed,
        threads=options.threads,
        every=min(5.0, options.minutes * 3),
    )
    with tempfile.TemporaryDirectory() as name, database(options.database, Path(name)) as url:
        evidence = run(load, url, Path(name), say)
    report = Report(load, options.database, evidence, judge(evidence))
    say(report.as_text())
    if options.report:
        report.write(options.report)
    return int(not report.is_good)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'app.db'}"
        return
    with postgresql() as url:
        if url is None:
            raise SystemExit("no PostgreSQL server answers")
        yield url


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--browsers", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--faulty", type=float, default=5, help="percent of the calls to the provider")
    parser.add_argument("--pause", type=float, default=1, help="seconds between two visits of a person, in the mean")
    parser.add_argument("--threads", type=int, default=8, help="of the app's server")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="a page to write")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
