"""What `make mutate` changes, and what it makes of what survives."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parent.parent / "tools"


@pytest.fixture(autouse=True)
def tools() -> Iterator[None]:
    """Let the tools be imported."""
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def mutants_of(path: Path, source: str) -> set[tuple[str, str]]:
    """Return what each mutant of a source changes, and into what."""
    path.write_text(source, encoding="utf-8")
    return {(mutant.was, mutant.now) for mutant in import_module("mutation.mutants").Module(path).mutants()}


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        (
            "if a and not b:\n    check()",
            {"if False:", "if True:", "if not b:", "if a:", "if a and b:"},
        ),
        ("check(a, strict=b)", {"pass", "check(a)"}),
        ("self.check(a)", {"pass", "a"}),
        ("raise Wrong", {"pass"}),
        ("return a < 10", {"return None", "return a <= 10", "return a < 11"}),
        ("return sorted(a, reverse=True)", {"return None", "return sorted(a, reverse=False)"}),
        ("a.b = c[:1]", {"pass", "a.b = c", "a.b = c[:2]"}),
        ("with a.lock:\n    b()", {"if True:", "pass"}),
        ("return a if b else c", {"return None", "return a", "return c"}),
        ("return any(a for a in b if a)", {"return None", "return all((a for a in b if a))"}),
    ],
)
def test_a_check_is_taken_away_or_turned_over(tmp_path: Path, source: str, changes: set[str]) -> None:
    body = source.replace("\n", "\n    ")

    found = mutants_of(tmp_path / "sample.py", f"def function(a, b, c, self):\n    {body}\n")

    assert changes <= {now for _, now in found}
    assert all(was != now for was, now in found)


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "import os",
        "a: int",
        '__all__ = ["a"]',
        "class A(Protocol):\n    b = 5",
        "if TYPE_CHECKING:\n    a = 5",
    ],
)
def test_what_does_nothing_is_left_alone(tmp_path: Path, source: str) -> None:
    assert mutants_of(tmp_path / "sample.py", source) == set()


def test_what_a_person_reads_is_left_alone(tmp_path: Path) -> None:
    source = 'def function(log, a):\n    log.warning("said %s", a)\n    raise ValueError(f"said {a}")\n'

    assert {now for _, now in mutants_of(tmp_path / "sample.py", source)} == {"pass"}


def test_what_a_type_checker_reads_is_left_alone(tmp_path: Path) -> None:
    source = 'T = TypeVar("T")\nA = cast("dict[str, int]", "b")\n'

    assert {now for _, now in mutants_of(tmp_path / "sample.py", source)} == {"A = cast('dict[str, int]', 'bXX')"}


def test_what_a_setting_is_for_is_left_alone(tmp_path: Path) -> None:
    assert mutants_of(tmp_path / "sample.py", 'Key("a", b, "what it is for", "c")\n') == {
        ("Key('a', b, 'what it is for', 'c')", now)
        for now in ("pass", "Key('aXX', b, 'what it is for', 'c')", "Key('a', b, 'what it is for', 'cXX')")
    }


def test_a_mutant_is_compiled_and_the_module_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text("LIMIT = 5\ndef allows(a):\n    return a < LIMIT\n", encoding="utf-8")
    module = import_module("mutation.mutants").Module(path)
    before = module.code

    answers = []
    for mutant in module.mutants():
        space: dict[str, object] = {}
        exec(module.mutated(mutant), space)
        answers.append([space["LIMIT"], *(space["allows"](a) for a in (4, 5))])  # type: ignore[operator]

    assert answers == [[6, True, True], [5, None, None], [5, True, True]]
    assert module.code == before


@pytest.fixture
def book(tmp_path: Path) -> ModuleType:
    """Give the module that keeps what was measured."""
    return import_module("mutation.book")


def test_a_survivor_needs_a_reason_which_is_kept_as_long_as_its_code_stays(tmp_path: Path, book: ModuleType) -> None:
    (tmp_path / "sample.py").write_text("def function(a):\n    return a < 5\n", encoding="utf-8")
    mutants = import_module("mutation.mutants").Module(tmp_path / "sample.py").mutants()
    words = [("survived", ""), ("killed", "tests/test_a.py::test_b[c]"), ("out of time", "tests/test_a.py::test_d")]
    outcomes = [
        book.Outcome("sample.py", mutant, import_module("mutation.verdicts").Verdict(*word))
        for mutant, word in zip(mutants, words, strict=True)
    ]
    path = tmp_path / "mutants.json"

    written = book.Book(path, tmp_path)
    written.write(outcomes, {"sample.py": 3})
    assert [str(one) for one in written.unexplained(outcomes)] == [
        "sample.py:2 function\n  - return a < 5\n  + return None"
    ]

    page = json.loads(path.read_text(encoding="utf-8"))
    page["sample.py"]["survivors"][0]["why"] = "because"
    path.write_text(json.dumps(page), encoding="utf-8")
    again = book.Book(path, tmp_path)
    again.write(outcomes, {"sample.py": 3})
    assert again.unexplained(outcomes) == []
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "sample.py": {
            "source": "e63962517ce653bb",
            "mutants": 3,
            "tried": 3,
            "killed": 2,
            "survivors": [{"in": "function", "was": "return a < 5", "now": "return None", "why": "because"}],
            "witnesses": ["tests/test_a.py::test_b", "tests/test_a.py::test_d"],
        }
    }


def test_a_module_that_has_changed_since_is_not_measured_as_a_whole(tmp_path: Path, book: ModuleType) -> None:
    source = tmp_path / "sample.py"
    source.write_text("LIMIT = 5\n", encoding="utf-8")
    [mutant] = import_module("mutation.mutants").Module(source).mutants()
    outcome = book.Outcome("sample.py", mutant, import_module("mutation.verdicts").Verdict("survived", ""))
    written = book.Book(tmp_path / "mutants.json", tmp_path)
    assert not written.is_whole("sample.py")

    written.write([outcome], {"sample.py": 2})
    assert not written.is_whole("sample.py")
    written.write([outcome], {"sample.py": 1})
    assert written.is_whole("sample.py")
    source.write_text("LIMIT = 6\n", encoding="utf-8")
    assert not written.is_whole("sample.py")


def test_every_survivor_has_a_reason(book: ModuleType) -> None:
    pages = json.loads(book.BOOK.read_text(encoding="utf-8"))

    assert [(name, one) for name, page in pages.items() for one in page["survivors"] if not one["why"]] == []
