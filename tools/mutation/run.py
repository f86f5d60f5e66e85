"""Mutants and tests in, outcomes out."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mutation.book import Outcome
from mutation.host import Host
from mutation.imports import EARLY, QUIET, trial, warm
from mutation.mutants import Module, Mutant
from mutation.verdicts import SURVIVED, Verdict, try_each

FAST = "not slow and not browser and not interop"
TRIES = 3
"""How often a test may fail without a mutant: on a machine with much else to do, one that waits does now and then."""
Chosen = Sequence[tuple[Module, Sequence[Mutant]]]


def outcomes(chosen: Chosen, tests: Sequence[str], workers: int) -> Iterator[Outcome]:
    """Give what becomes of each mutant: what survives in the living functions is tried again by an import.

    Args:
        chosen: modules, and which mutants of each.
        tests: files of tests, or ids of test functions.
        workers: how many at a time.
    """
    later: list[tuple[Module, Mutant, list[str]]] = []
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder, "notes")
        child = os.fork()
        if not child:
            _host(chosen, tests, workers, notes)
        _, status = os.waitpid(child, 0)
        if status:
            raise SystemExit("the tests of these mutants could not be collected")
        *lines, imported = map(json.loads, notes.read_text("utf-8").splitlines())
        for place, number, word, test, tests_to_face in lines:
            module, mutants = chosen[place]
            if word == SURVIVED:
                later.append((module, mutants[number], tests_to_face))
            else:
                yield Outcome(str(module.path), mutants[number], Verdict(word, test))
    warm(imported)
    _check(later, workers)
    for number, verdict in try_each([trial(*one) for one in later], workers):
        module, mutant, _ = later[number]
        outcome = Outcome(str(module.path), mutant, verdict)
        if outcome.survived:
            print(f"nothing notices {outcome}", flush=True)
        yield outcome


def _check(later: Sequence[tuple[Module, Mutant, Sequence[str]]], workers: int) -> None:
    """Make sure that tests which fail do so for the mutant's sake."""
    tests: dict[str, tuple[Module, list[str]]] = {}
    for module, _, faced in later:
        known = tests.setdefault(module.name, (module, []))[1]
        known += [test for test in faced if test not in known]
    unchanged = [*tests.values()]
    failed: dict[str, Verdict] = {}
    for _ in range(TRIES):
        verdicts = try_each([trial(module, None, faced) for module, faced in unchanged], workers)
        failed = {unchanged[number][0].name: verdict for number, verdict in verdicts if verdict.word != SURVIVED}
        unchanged = [(module, faced) for module, faced in unchanged if module.name in failed]
    for name, verdict in failed.items():
        raise SystemExit(f"{name} is unchanged, and yet this fails: {verdict.test or 'pytest'}")


def _host(chosen: Chosen, tests: Sequence[str], workers: int, notes: Path) -> None:
    """Try what needs no import of its own, in this process, which ends with it."""
    with notes.open("w", encoding="utf-8", buffering=1) as file:

        def told(place: int, number: int, verdict: Verdict, more: list[str]) -> None:
            file.write(json.dumps([place, number, verdict.word, verdict.test, more]) + "\n")

        plugin = Host(chosen, told, workers)
        status = pytest.main([*QUIET, *EARLY, "-m", FAST, *tests], plugins=[plugin])
        file.write(json.dumps(plugin.imported) + "\n")
    os._exit(status)
