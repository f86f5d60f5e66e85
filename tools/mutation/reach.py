"""Which test reaches which line, and what each test takes."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import coverage
import pytest
from _pytest.tmpdir import tmppath_result_key

from mutation.groups import GROUPS, ROOT
from mutation.mutants import Module, Mutant
from mutation.verdicts import try_each

NOTES = ROOT / "build" / "mutation"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a run of the tests without a mutant has shown.

    Attributes:
        lines: of each file, which tests (their numbers) reach a line.
        worked: for how many seconds each test worked.
        waited: how many seconds each test took.
        failed: the tests that fail without a mutant; they are not asked.
        imported: the names of all modules that the tests have imported.
    """

    lines: dict[str, dict[int, list[int]]]
    worked: list[float]
    waited: list[float]
    failed: list[int]
    imported: list[str]

    def tests(self, module: Module, mutant: Mutant, order: Sequence[int], patience: float) -> list[int]:
        """Return the numbers of the tests that a mutant has to face, in this order, for so many seconds of work."""
        reached = self.lines.get(str(module.path.resolve()), {})
        there = {test for line in mutant.lines for test in reached.get(line, ())}
        return self._while_patience_lasts([test for test in order if test in there], patience)

    def tests_of(self, module: Module, own: Set[int], order: Sequence[int], patience: float) -> list[int]:
        """Return the numbers of a module's own tests, and of those that reach a function of it."""
        reached = self.lines.get(str(module.path.resolve()), {})
        there = own.union(*reached.values())
        return self._while_patience_lasts([test for test in order if test in there], patience)

    def _while_patience_lasts(self, tests: Sequence[int], patience: float) -> list[int]:
        chosen, spent = [], 0.0
        for test in tests:
            if spent < patience and test not in self.failed:
                chosen.append(test)
                spent += self.worked[test]
        return chosen


def measured(items: Sequence[pytest.Item], workers: int) -> Reach:
    """Return what the tests reach; what was measured before and has not changed is taken from there."""
    files: dict[Path, list[int]] = defaultdict(list)
    for number, item in enumerate(items):
        files[item.path].append(number)
    sources = [ROOT / name for group in GROUPS for name in group.files()]
    notes = {path: _note([items[number] for number in numbers]) for path, numbers in files.items()}
    new = [path for path, note in notes.items() if not _holds(note)]
    trials = [partial(_measure, [items[number] for number in files[path]], sources, notes[path]) for path in new]
    for _ in try_each(trials, workers):
        pass
    lines: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    costs: dict[int, tuple[float, float, bool]] = {}
    imported: set[str] = set()
    for path, numbers in files.items():
        found, taken, names, _ = json.loads(notes[path].read_text("utf-8"))
        imported |= set(names)
        costs |= dict(zip(numbers, taken, strict=True))
        for file, reached in found.items():
            for line, places in reached.items():
                lines[file][int(line)] += [numbers[place] for place in places]
    everything = range(len(items))
    worked, waited = ([costs[number][place] for number in everything] for place in (0, 1))
    return Reach(lines, worked, waited, [number for number in everything if not costs[number][2]], sorted(imported))


def _measure(items: Sequence[pytest.Item], sources: Sequence[Path], note: Path, _: object) -> bool:
    tracer = coverage.Coverage(data_file=None, config_file=False, include=[str(path.resolve()) for path in sources])
    tracer.set_option("run:disable_warnings", ["no-data-collected"])
    tracer.start()
    taken = []
    for number, item in enumerate(items):
        tracer.switch_context(str(number))
        began, worked = time.perf_counter(), time.process_time()
        good = passes(item, items[number + 1] if number + 1 < len(items) else None)
        taken.append((time.process_time() - worked, time.perf_counter() - began, good))
    tracer.stop()
    data = tracer.get_data()
    lines = {
        file: {line: [int(test) for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()}
        for file in data.measured_files()
    }
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(
        json.dumps([lines, taken, sorted(sys.modules), {file: _digest(Path(file)) for file in lines}]), "utf-8"
    )
    return True


def _note(items: Sequence[pytest.Item]) -> Path:
    """Return where it is kept what these tests of one file reach."""
    path = items[0].path
    named = hashlib.sha256(" ".join([_digest(path), *(item.nodeid for item in items)]).encode())
    return NOTES / f"{path.stem}-{named.hexdigest()[:16]}.json"


def _holds(note: Path) -> bool:
    """Whether all that was reached is still as it was."""
    if not note.exists():
        return False
    digests: dict[str, str] = json.loads(note.read_text("utf-8"))[-1]
    return all(Path(file).exists() and _digest(Path(file)) == digest for file, digest in digests.items())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def passes(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Run one test; whether it passes, or is skipped. Nothing is written about a failure, which would take longer."""
    good = True
    item.stash[tmppath_result_key] = {}  # what `tmp_path` looks for, and a report would have put there
    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.ihook.pytest_runtest_call(item=item)
    except pytest.skip.Exception:
        pass
    except BaseException:  # noqa: BLE001 - whatever it is
        good = False
    try:
        item.ihook.pytest_runtest_teardown(item=item, nextitem=following)
    except BaseException:  # noqa: BLE001 - as above
        good = False
    return good
