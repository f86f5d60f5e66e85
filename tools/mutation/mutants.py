"""The mutants of a module: its source with one thing changed.

What a person reads is not changed: docstrings, annotations, what is logged, and what an error or a setting says.
"""

from __future__ import annotations
import __future__

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

from mutation.operators import other_conditions, other_expressions, other_statements

LOGGING = {"debug", "info", "warning", "error", "exception", "critical", "log"}
ERRORS = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}
SPOKEN = {"help", "reason", "title", "message", "detail", "fix", "what"}
"""Keywords whose values a person reads."""
FUTURE = __future__.annotations.compiler_flag
COSTS = {"slots", "stacklevel", "safe"}
"""Keywords that change what something costs, where a warning points, or what need not be encoded: letters never."""
UNSEEN_FIELDS = {"annotation", "returns", "type_comment", "type_params", "decorator_list", "bases", "ctx"}
UNSEEN_NAMES = {"__all__", "__slots__"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a module.

    Attributes:
        scope: the function or class that it stands in, with a dot between the names.
        was: the statement that it changes; of a compound one, its head.
        now: the same, changed.
        lines: where that statement stands.
        at_import: whether it changes what happens when the module is imported, not when a function is called.
    """

    scope: str
    was: str
    now: str
    lines: range
    at_import: bool
    statement: ast.AST = field(repr=False)
    owner: ast.AST = field(repr=False)
    place: str = field(repr=False)
    index: int | None = field(repr=False)
    new: ast.AST = field(repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is called as long as its statement stays as it is."""
        return self.scope, self.was, self.now


class Module:
    """A module's source, and everything that can be changed in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        self._tree = ast.parse(path.read_text("utf-8"))
        self._errors = ERRORS | {
            alias.asname or alias.name
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith("errors")
            for alias in node.names
        }

    @property
    def code(self) -> CodeType:
        """The module as it is."""
        return compile(self._tree, str(self.path.resolve()), "exec", dont_inherit=True)

    def mutants(self) -> list[Mutant]:
        """Return every mutant, each once."""
        found: dict[tuple[object, ...], Mutant] = {}
        for mutant in self._inside(self._tree, "", self._tree, at_import=True):
            found.setdefault((*mutant.key, mutant.lines.start), mutant)
        return list(found.values())

    def mutated(self, mutant: Mutant) -> CodeType:
        """Return the module with the change."""
        return self._with(mutant, self._tree)

    def alone(self, mutant: Mutant) -> CodeType | None:
        """Return the changed statement without the rest, if it binds names of the module; else None."""
        match mutant.statement:
            case ast.Assign() | ast.AnnAssign() if mutant.statement in self._tree.body:
                return self._with(mutant, ast.Module([mutant.statement], []))
            case ast.FunctionDef(name, arguments):
                nothing: list[ast.stmt] = [ast.Pass(lineno=1, col_offset=0)]
                function = ast.FunctionDef(name, arguments, nothing, [], lineno=1, col_offset=0)
                return self._with(mutant, ast.Module([function], []))
        return None

    def _with(self, mutant: Mutant, tree: ast.Module) -> CodeType:
        old = _exchange(mutant.owner, mutant.place, mutant.index, mutant.new)
        try:
            return compile(tree, str(self.path.resolve()), "exec", FUTURE, dont_inherit=True)
        finally:
            _exchange(mutant.owner, mutant.place, mutant.index, old)

    def _inside(self, node: ast.AST, scope: str, statement: ast.AST, *, at_import: bool) -> Iterator[Mutant]:
        if _is_unseen(node):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            scope = f"{scope}.{node.name}".strip(".")
        if isinstance(node, ast.stmt | ast.ExceptHandler):
            statement = node
        for place, index, new in other_conditions(node):
            yield self._mutant(scope, statement, at_import, node, place, index, new)
        for place, index, child in _children(node):
            inner = at_import and not (isinstance(node, ast.FunctionDef | ast.Lambda) and place == "body")
            if isinstance(child, ast.expr) and self._is_spoken(node, place, child):
                continue
            for new in _others(node, place, child):
                changed = child if isinstance(child, ast.stmt) else statement
                yield self._mutant(scope, changed, inner, node, place, index, new)
            yield from self._inside(child, scope, statement, at_import=inner)

    def _is_spoken(self, node: ast.AST, place: str, child: ast.expr) -> bool:
        """Whether a person reads what stands there."""
        match node:
            case ast.keyword(arg):
                return arg in COSTS or (arg in SPOKEN and _is_text(child))
            case ast.Call(ast.Attribute(_, name)) if name in LOGGING and place != "func":
                return True
            case ast.Expr(ast.Call(ast.Attribute(_, name))) if name in LOGGING:
                return True
            case ast.Call(ast.Attribute(_, "strip" | "lstrip" | "rstrip")) if place == "args":
                return True  # these are sets of characters
            case ast.Call(ast.Name(name) | ast.Attribute(_, name)) if place == "args" and self._is_error(name):
                return _is_text(child)
        return _is_description(node, child)

    def _is_error(self, name: str) -> bool:
        return name in self._errors or name.endswith("Error")

    @staticmethod
    def _mutant(
        scope: str, statement: ast.AST, at_import: bool, node: ast.AST, place: str, index: int | None, new: ast.AST
    ) -> Mutant:
        was = _head(statement)
        old = _exchange(node, place, index, new)
        now = _head(new if old is statement else statement)
        _exchange(node, place, index, old)
        if not hasattr(new, "lineno"):  # it is new altogether, not a part of the old
            ast.copy_location(new, old)
        ast.fix_missing_locations(new)
        return Mutant(scope, was, now, _lines(statement), at_import, statement, node, place, index, new)


def _others(node: ast.AST, place: str, child: ast.AST) -> Iterator[ast.AST]:
    """Give what could stand in the place of `child`."""
    if isinstance(child, ast.stmt):
        alone = isinstance(node, ast.If) and place == "body" and len(node.body) == 1 and not node.orelse
        yield from other_statements(child, alone=alone)
    elif isinstance(child, ast.expr):
        yield from other_expressions(child)


def _is_unseen(node: ast.AST) -> bool:
    """Whether nothing of it is worth a change."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
            return True
        case ast.If(ast.Name("TYPE_CHECKING")) | ast.Expr(ast.Constant()):
            return True
        case ast.ClassDef(bases=[ast.Name("Protocol"), *_]):
            return True
        case ast.Assign([ast.Name(name), *_]):
            return name in UNSEEN_NAMES
    return False


def _is_description(node: ast.AST, child: ast.expr) -> bool:
    """Whether it is what a setting is for, or what only a type checker reads."""
    match node:
        case ast.Call(ast.Name("cast" | "TypeVar"), [first, *_]):
            return child is first
        case ast.Call(ast.Name("Key"), [_, _, purpose, *_]):
            return child is purpose
    return False


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant(str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left, ast.Add(), right):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(_, body, orelse):
            return _is_text(body) and _is_text(orelse)
    return False


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    if isinstance(node, ast.JoinedStr):
        return
    for place, value in ast.iter_fields(node):
        if place in UNSEEN_FIELDS and not (place == "decorator_list" and isinstance(node, ast.ClassDef)):
            continue
        if isinstance(value, ast.AST):
            yield place, None, value
        elif isinstance(value, list):
            yield from ((place, index, one) for index, one in enumerate(value) if isinstance(one, ast.AST))


def _exchange(owner: ast.AST, place: str, index: int | None, new: ast.AST) -> ast.AST:
    """Put `new` in its place, and return what stood there."""
    old: ast.AST
    if index is None:
        old = getattr(owner, place)
        setattr(owner, place, new)
    else:
        values = getattr(owner, place)
        old, values[index] = values[index], new
    return old


def _head(node: ast.AST) -> str:
    match node:
        case ast.If(test):
            return f"if {ast.unparse(test)}:"
        case ast.With(items):
            return f"with {', '.join(map(ast.unparse, items))}:"
    bodies = {name: [] for name in ("body", "orelse", "finalbody", "handlers") if hasattr(node, name)}
    if not bodies or isinstance(node, ast.expr):
        return ast.unparse(node)
    shallow = type(node)(**{**dict(ast.iter_fields(node)), **bodies})
    ast.copy_location(shallow, node)
    return " ".join(ast.unparse(shallow).split())


def _lines(node: ast.AST) -> range:
    """Return the lines of a statement, or of the head of a compound one."""
    first = getattr(node, "lineno", 1)
    last = getattr(node, "end_lineno", first)
    if body := getattr(node, "body", None):
        last = max(first, body[0].lineno - 1) if isinstance(body, list) else last
    return range(first, last + 1)
