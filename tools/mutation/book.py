"""docs/mutants.json: what was measured, and why a mutant may survive.

The numbers are written by a run of all mutants of a module. The reasons are written by hand, and kept as long as the
mutant is called the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from mutation.groups import ROOT
from mutation.mutants import Mutant
from mutation.verdicts import SURVIVED, Verdict

BOOK = ROOT / "docs" / "mutants.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant of a module, and what has become of it."""

    module: str
    mutant: Mutant
    verdict: Verdict

    @property
    def survived(self) -> bool:
        """Whether no test noticed it."""
        return self.verdict.word == SURVIVED

    def __str__(self) -> str:
        mutant = self.mutant
        return f"{self.module}:{mutant.lines.start} {mutant.scope}\n  - {mutant.was}\n  + {mutant.now}"


class Book:
    """What is known of each module."""

    def __init__(self, path: Path = BOOK, root: Path = ROOT) -> None:
        self._path = path
        self._root = root
        self._pages: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def witnesses(self, module: str) -> list[str]:
        """Return the test functions that noticed a mutant of a module, when it was measured."""
        known = self._pages.get(module, {}).get("witnesses", [])
        return [test for test in known if _is_there(*test.split("::"))]

    def is_whole(self, module: str) -> bool:
        """Whether every mutant of a module was tried, when it was measured, and the module is the same since."""
        page = self._pages.get(module, {"mutants": 0, "tried": -1})
        return bool(page["mutants"] == page["tried"] and page.get("source") == self._digest(module))

    def unexplained(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """Return what survived without a reason."""
        return [one for one in outcomes if one.survived and not self._reasons(one.module).get(one.mutant.key)]

    def write(self, outcomes: Iterable[Outcome], mutants: Mapping[str, int]) -> None:
        """Write what was measured of some modules; `mutants`: how many mutants each of them has."""
        by_module: dict[str, list[Outcome]] = {}
        for one in outcomes:
            by_module.setdefault(one.module, []).append(one)
        for module, found in by_module.items():
            self._pages[module] = self._page(module, found, mutants[module])
        text = json.dumps(dict(sorted(self._pages.items())), indent=1, ensure_ascii=False)
        self._path.write_text(f"{text}\n", "utf-8")

    def _reasons(self, module: str) -> Mapping[tuple[str, str, str], str]:
        survivors = self._pages.get(module, {}).get("survivors", [])
        return {(one["in"], one["was"], one["now"]): one["why"] for one in survivors}

    def _page(self, module: str, found: list[Outcome], mutants: int) -> dict[str, Any]:
        reasons = self._reasons(module)
        keys = {one.mutant.key: one for one in sorted(found, key=lambda one: one.mutant.lines.start) if one.survived}
        tests = Counter(one.verdict.test.partition("[")[0] for one in found if not one.survived and one.verdict.test)
        return {
            "source": self._digest(module),
            "mutants": mutants,
            "tried": len(found),
            "killed": sum(not one.survived for one in found),
            "survivors": [
                {"in": in_, "was": was, "now": now, "why": reasons.get((in_, was, now), "")} for in_, was, now in keys
            ],
            "witnesses": sorted(tests),
        }

    def _digest(self, module: str) -> str:
        return sha256((self._root / module).read_bytes()).hexdigest()[:16]


def _is_there(file: str, *names: str) -> bool:
    path = ROOT / file
    return path.exists() and f"def {names[-1]}(" in path.read_text("utf-8")
