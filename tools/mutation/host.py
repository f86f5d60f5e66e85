"""A run of pytest that tries mutants instead of reporting on tests: each in a fork, after everything is collected."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Sequence, Set

import pytest

from mutation.hurry import hurry, import_all
from mutation.mutants import Module, Mutant
from mutation.reach import Reach, measured, passes
from mutation.swap import Live
from mutation.verdicts import SURVIVED, Trial, Verdict, try_each, within

Told = Callable[[int, int, Verdict, list[str]], None]
FIRST, LAST = 1.5, 15.0
"""For how many seconds tests may work on a mutant: here, and where it is tried again if it survives."""

SLOW = 0.05
"""How many seconds of work make a test one that is asked later."""


class Host:
    """The plugin.

    Args:
        modules: the modules, and which mutants of each.
        told: hears of each mutant: the numbers of its module and of itself, the verdict, and if it survives, the
            tests that it shall face when it is imported.
        workers: how many mutants to try at a time.
    """

    def __init__(self, modules: Sequence[tuple[Module, Sequence[Mutant]]], told: Told, workers: int) -> None:
        self._modules = modules
        self._told = told
        self._workers = workers
        self.imported: list[str] = []

    def pytest_configure(self) -> None:
        """Let no time be lost."""
        hurry()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure what the tests reach, and try each mutant."""
        reach = measured(session.items, self._workers)
        self.imported += reach.imported
        for number in reach.failed:
            print("fails without a mutant:", session.items[number].nodeid)
        import_all(reach.imported)
        live = Live([module for module, _ in self._modules])
        gc.collect()
        gc.freeze()
        for place in range(len(self._modules)):
            self._try(session.items, reach, live, place)
        return True

    def _try(self, items: Sequence[pytest.Item], reach: Reach, live: Live, place: int) -> None:
        module, mutants = self._modules[place]
        own = {number for number, item in enumerate(items) if is_own(item, module)}
        order = ordered(items, reach.worked, own)
        killers: dict[str, set[int]] = defaultdict(set)
        numbers = {item.nodeid: number for number, item in enumerate(items)}
        all_tests = reach.tests_of(module, own, order, FIRST)

        def trial(number: int) -> Trial:
            mutant = mutants[number]
            tests = all_tests if mutant.at_import else reach.tests(module, mutant, order, FIRST)
            first = sorted(killers[mutant.scope].intersection(tests), key=reach.worked.__getitem__)
            faced = list(dict.fromkeys([*first, *tests]))
            return lambda say: live.put(module, mutant) is False or _survives(items, faced, reach, say)

        for number, verdict in try_each((trial(number) for number in range(len(mutants))), self._workers):
            mutant = mutants[number]
            if verdict.test in numbers:
                killers[mutant.scope].add(numbers[verdict.test])
            lives = verdict.word == SURVIVED
            # A line that is run at import is noticed by tests that do not reach it.
            more = (
                [*reach.tests(module, mutant, order, LAST), *reach.tests_of(module, own, order, LAST)]
                if lives
                else []
            )
            self._told(place, number, verdict, [items[test].nodeid for test in dict.fromkeys(more)])


def is_own(item: pytest.Item, module: Module) -> bool:
    """Whether a test is about a module, as its file's name says."""
    return item.path.stem.removeprefix("test_").endswith(module.path.stem)


def ordered(items: Sequence[pytest.Item], worked: Sequence[float], own: Set[int]) -> list[int]:
    """Return the numbers of the tests: the module's own first, then some of each function, the fast ones first."""
    seen: dict[str, int] = defaultdict(int)
    places = []
    for number, item in enumerate(items):
        function = item.nodeid.partition("[")[0]
        places.append((worked[number] > SLOW, number not in own, seen[function] // 3, worked[number], number))
        seen[function] += 1
    return [number for *_, number in sorted(places)]


def _survives(items: Sequence[pytest.Item], tests: Sequence[int], reach: Reach, say: Callable[[str], None]) -> bool:
    for place, test in enumerate(tests):
        say(items[test].nodeid)
        within(reach.worked[test], reach.waited[test])
        after = tests[place + 1 : place + 2]
        if not passes(items[test], items[after[0]] if after else None):
            return False
    return True
