"""Changes the checking modules, one thing at a time, and fails when no test notices.

What may survive stands in docs/mutants.json, with the reason.

``python tools/mutate.py`` tries every mutant of every module, and writes what it has measured; with names of modules,
it does so for these. ``--sample 40`` tries that many of one module, which ``--seed`` chooses, and writes nothing; it
fails when more than one in twenty survive, because a slow machine does not get to every test.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path

from mutation.book import Book, Outcome
from mutation.groups import GROUPS, ROOT
from mutation.mutants import Module
from mutation.run import Chosen, outcomes

TOLERATED = 0.05
"""Which part of a sample may survive without a reason."""


def main() -> int:
    """Run, and return the status of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as authkit/transactions.py; else all")
    parser.add_argument("--sample", type=int, help="how many mutants of one module")
    parser.add_argument("--seed", default="", help="what chooses them")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="how many mutants at a time")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))  # in a second worktree, another one's authkit may be installed
    book = Book()
    found = sample(book, options) if options.sample else everything(book, options)
    for one in found:
        print(f"docs/mutants.json does not say why this may survive: {one}")
    return len(found) > (options.sample or 0) * TOLERATED


def everything(book: Book, options: argparse.Namespace) -> list[Outcome]:
    """Try all mutants, write what was measured, and return those that survive without a reason."""
    unexplained = []
    for group in GROUPS:
        files = [file for file in group.files() if not options.modules or file in options.modules]
        chosen = [(module, module.mutants()) for module in map(Module, map(Path, files))]
        if chosen:
            measured = list(outcomes(chosen, group.test_files(), options.workers))
            book.write(measured, {str(module.path): len(mutants) for module, mutants in chosen})
            unexplained += book.unexplained(measured)
    return unexplained


def sample(book: Book, options: argparse.Namespace) -> list[Outcome]:
    """Try some mutants of one module that was measured as a whole, and return those that survive without a reason.

    They face the tests that have noticed mutants of this module before; what survives these faces all others.
    """
    choice = random.Random(options.seed)  # noqa: S311 - it shall choose the same again
    known = [(group, file) for group in GROUPS for file in group.files() if book.is_whole(file)]
    (group, file), *_ = choice.sample(known, 1)
    module = Module(Path(file))
    mutants = module.mutants()
    chosen: Chosen = [(module, choice.sample(mutants, min(options.sample, len(mutants))))]
    print(f"{len(chosen[0][1])} of {len(mutants)} mutants of {file}, chosen by {options.seed!r}")
    found = book.unexplained(outcomes(chosen, book.witnesses(file), options.workers))
    return again(book, module, found, group.test_files(), options.workers) if found else []


def again(book: Book, module: Module, found: Iterable[Outcome], tests: list[str], workers: int) -> list[Outcome]:
    """Try mutants again, with all tests of their group."""
    return book.unexplained(outcomes([(module, [one.mutant for one in found])], tests, workers))


if __name__ == "__main__":
    sys.exit(main())
