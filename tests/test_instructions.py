"""The counts of instructions that `make instructions` compares with what is on record."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.append(str(BENCHMARKS))  # last: a module there has the name of a library

from hotpaths import PATHS  # noqa: E402 - benchmarks are programs, and on no path
from instructions import compare  # noqa: E402


@pytest.mark.parametrize(("counted", "is_good"), [(1000, True), (1100, True), (1101, False), (1, True)])
def test_a_path_may_take_a_tenth_more_than_before(counted: int, is_good: bool) -> None:
    assert compare({"begin": counted, "complete": 7}, {"begin": 1000, "complete": 7}) is is_good


def test_a_path_without_a_record_is_not_compared() -> None:
    assert compare({"begin": 1000}, {})


def test_each_record_has_all_paths() -> None:
    records = json.loads((BENCHMARKS / "instructions.json").read_text())

    assert {python: sorted(record) for python, record in records.items()} == {"cpython 3.11": sorted(PATHS)}


@pytest.mark.parametrize("name", PATHS)
def test_a_path_can_be_taken_as_often_as_it_was_prepared_for(name: str) -> None:
    call = PATHS[name](3)

    assert [type(call()) for _ in range(3)].count(type(None)) == 0
