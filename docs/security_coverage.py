"""Finds the tests of each row in `security_rows` by their names: ``test_sta_01_…`` is of STA-01.

A name may have several rows: ``test_rdu_01_and_02_…``, ``test_opr_01_to_07_and_21_…``, ``test_acc_01_acc_02_…``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from security_rows import OPEN, ROWS, THROUGH

ONE = r"(?:([a-z]{3})_?)?(\d\d)(?=_|$)"
"""One id in a name; what begins with the same letters as the one before may leave them out."""


def tests_of_rows(folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the tests of each row that has some.

    Raises:
        LookupError: a test is named after a row that there is not.
    """
    found: dict[str, list[str]] = {}
    kinds = {row[:3] for row in ROWS}
    for path in sorted(folder.glob("test_*.py")):
        for place, name in _tests(ast.parse(path.read_text(encoding="utf-8")).body, path.name):
            for row in rows_of(name):
                if row not in ROWS and row[:3] in kinds:
                    raise LookupError(f"{place} is named after {row}, which is no row of docs/security_rows.py")
                found.setdefault(row, []).append(place)
    return {row: tuple(places) for row, places in found.items()}


def rows_of(name: str) -> tuple[str, ...]:
    """Return the rows that a test is named after."""
    rest, kind, rows = name.removeprefix("test_"), "", list[str]()
    joined = ""
    while (one := re.match(ONE, rest)) and (one[1] or (kind and joined)):
        kind, number = one[1] or kind, int(one[2])
        first = int(rows[-1][4:]) + 1 if joined == "to" else number
        rows += [f"{kind.upper()}-{between:02}" for between in range(first, number + 1)]
        rest = rest[one.end() :].removeprefix("_")
        joined = (re.match(r"(and|to)_", rest) or ["", ""])[1]
        rest = rest.removeprefix(f"{joined}_") if joined else rest
    return tuple(rows)


def _tests(body: Iterable[ast.stmt], place: str) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, f"{place}::{node.name}")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            yield f"{place}::{node.name}", node.name


def covered(tests: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str, str]]:
    """Yield each row, what it is, and what shows that it holds.

    Raises:
        LookupError: a row has neither a test nor a reason not to have one.
    """
    for row, what in ROWS.items():
        shown = [f"`{test}`" for test in tests.get(_padded(row), ())]
        shown += [f"{', '.join(THROUGH[row])} hold"] if row in THROUGH else []
        if not shown and row not in OPEN:
            raise LookupError(
                f"{row} has no test: name one test_{row.lower().replace('-', '_')}_…, or say in OPEN why"
            )
        yield row, what, "<br>".join(shown + (["open, see below"] if row in OPEN else []))


def _padded(row: str) -> str:
    return f"{row[:3]}-{int(row[4:]):02}"
