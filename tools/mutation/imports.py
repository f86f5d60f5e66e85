"""Mutants that only an import can show: each in a fork of a process that has imported nothing of ours yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

import pytest

from mutation.hurry import hurry, import_all
from mutation.mutants import Module, Mutant
from mutation.swap import put_in_place
from mutation.verdicts import Trial, within

QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0")
EARLY = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""What others wrote is imported before pytest looks for its plugins in it."""
OURS = ("authkit", "authkit_tiktok", "conftest", "__main__")
NOT_BEFORE_PYTEST = ("_hypothesis", "hypothesis", "xdist", "pytest", "_pytest", "webtest")
"""What pytest wants to import itself."""


class Only:
    """The plugin that keeps some tests, in an order, and says which one begins."""

    def __init__(self, tests: Sequence[str], say: Callable[[str], None]) -> None:
        self._places = {test: number for number, test in enumerate(tests)}
        self._say = say

    def pytest_configure(self) -> None:
        """Let no time be lost."""
        hurry()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep them."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say it."""
        self._say(nodeid)


def trial(module: Module, mutant: Mutant | None, tests: Sequence[str]) -> Trial:
    """Return what runs the tests with a mutant, and returns whether it survived; None: with the module as it is."""

    def run(say: Callable[[str], None]) -> bool:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        within(5.0, 10.0)
        if mutant is not None:
            put_in_place(module, mutant)
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        if not files:
            return True
        return pytest.main([*QUIET, *EARLY, "-x", *files], plugins=[Only(tests, say)]) == 0

    return run


def warm(names: Iterable[str]) -> None:
    """Import what others wrote."""
    import_all(
        name for name in names if name.partition(".")[0] not in OURS and not name.startswith(NOT_BEFORE_PYTEST)
    )
