"""What docs/stability.md promises: the public names exist, and each says what it does."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import GenericAlias
from typing import Any

import pytest
from docs_tables import load_tables

ROOT = Path(__file__).parent.parent


OF_PYRAMID = ("authkit.pyramid", "authkit.testing")  # `login_as` signs in to Pyramid apps
PUBLIC = load_tables().PUBLIC
MODULES = [pytest.param(name, marks=pytest.mark.pyramid if name.startswith(OF_PYRAMID) else ()) for name in PUBLIC]
SHOWN = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").rglob("*.py"))]
"""What tells people what to import."""


def texts_after(name: str) -> Iterator[str]:
    """Yield the text that stands below each assignment to `name` at the top level of a module of the core."""
    for path in (ROOT / "authkit").rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, following in pairwise(body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if is_text and any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield str(following.value.value)


def undocumented(name: str, value: Any) -> Iterator[str]:
    """Yield what of a public name has no docstring: itself, or a method or property of the class that it is."""
    if inspect.ismodule(value) or inspect.isroutine(value):
        if not value.__doc__:
            yield name
    elif inspect.isclass(value) and not isinstance(value, GenericAlias):  # Python 3.10 takes an alias for a class
        if not value.__doc__ or value.__doc__.startswith(f"{value.__name__}("):  # what a dataclass makes up
            yield name
        for member, function in vars(value).items():
            is_code = inspect.isroutine(function) or isinstance(function, (property, classmethod, staticmethod))
            if is_code and not member.startswith("_") and not function.__doc__:
                yield f"{name}.{member}"
    elif not any(texts_after(name)):
        yield name


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_exists_and_the_names_are_in_order(module: str) -> None:
    found = import_module(module)

    assert [name for name in found.__all__ if not hasattr(found, name)] == []
    assert len(set(found.__all__)) == len(found.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_a_docstring(module: str) -> None:
    found = import_module(module)

    assert found.__doc__
    assert [lack for name in found.__all__ for lack in undocumented(name, getattr(found, name))] == []


@pytest.mark.parametrize("path", SHOWN, ids=[str(path.relative_to(ROOT)) for path in SHOWN])
def test_what_people_are_told_to_import_is_public(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    imported = re.findall(r"(?m)^\s*(?:from (authkit(?:\.\w+)*) import|import (authkit\.[\w.]+)$)", text)

    assert {first or second for first, second in imported} <= {*PUBLIC}


def test_what_is_not_said_is_found() -> None:
    class Silent:
        def method(self) -> None: ...

        @property
        def size(self) -> int:
            """The size."""
            return 1

    def function() -> None: ...

    assert list(undocumented("Silent", Silent)) == ["Silent", "Silent.method"]
    assert list(undocumented("function", function)) == ["function"]
    assert list(undocumented("NO_SUCH_CONSTANT", 7)) == ["NO_SUCH_CONSTANT"]
    assert list(undocumented("KINDS", {})) == []
