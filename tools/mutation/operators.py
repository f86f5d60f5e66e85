"""What can be done to an expression or a statement so that a test should notice."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

COMPARISONS: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
PAIRS = [
    ("any", "all"),
    ("min", "max"),
    ("startswith", "endswith"),
    ("lower", "upper"),
    ("lstrip", "rstrip"),
    ("partition", "rpartition"),
    ("removeprefix", "removesuffix"),
]
OPPOSITES: Mapping[str, str] = dict(PAIRS) | {second: first for first, second in PAIRS}
UNWRAPPED = {"iter", "len", "next", "range"}
"""Without these, nothing runs at all."""
WHOLE = (ast.Starred, ast.GeneratorExp, ast.JoinedStr, ast.Constant)


def other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    """Give what could stand in the place of `node`."""
    match node:
        case ast.Constant():
            yield from _constants(node)
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp(op, values):
            for number in range(len(values)):
                rest = values[:number] + values[number + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.BinOp(left, operator, right):
            yield ast.BinOp(left, OPERATORS[type(operator)](), right)
        case ast.Call():
            yield from _calls(node)
        case _:
            yield from _rarer(node)


def other_statements(node: ast.stmt, *, alone: bool) -> Iterator[ast.stmt]:
    """Give what could stand in the place of `node`; `alone`: it is all that an ``if`` without an ``else`` does."""
    match node:
        case ast.Expr(ast.Constant()):
            return
        case ast.Return(None) | ast.Raise() | ast.Continue() | ast.Break() | ast.Expr():
            if not alone:  # else the same as an `if` that is never so
                yield ast.Pass()
        case ast.Return(value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Assign([ast.Attribute() | ast.Subscript()]) | ast.AnnAssign(ast.Attribute() | ast.Subscript()):
            yield ast.Pass()
        case ast.AugAssign(target, operator, value):
            yield from (ast.Pass(), ast.AugAssign(target, OPERATORS[type(operator)](), value))
        case ast.Delete() | ast.Assert():
            yield ast.Pass()
        case ast.With(items, body) if all(item.optional_vars is None for item in items):
            yield ast.If(ast.Constant(True), body, [])


def other_conditions(node: ast.AST) -> Iterator[tuple[str, int | None, ast.expr]]:
    """Give field, index and new expression of what could decide otherwise in `node`."""
    match node:
        case ast.If(test) if not isinstance(test, ast.Constant):
            yield from (("test", None, ast.Constant(value)) for value in (False, True))
        case ast.While(test) if not isinstance(test, ast.Constant):
            yield "test", None, ast.Constant(False)
        case ast.comprehension(_, _, ifs):
            yield from (("ifs", number, ast.Constant(True)) for number in range(len(ifs)))
        case ast.ExceptHandler(ast.Tuple(types)):
            yield from (
                ("type", None, ast.Tuple([one for one in types if one is not type_], ast.Load())) for type_ in types
            )
        case ast.ExceptHandler(ast.expr()):
            yield "type", None, ast.Tuple([], ast.Load())


def _rarer(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Subscript(value, ast.Slice(), ast.Load()):
            yield value
        case ast.JoinedStr(values):
            yield ast.JoinedStr([*values, ast.Constant("XX")])


def _constants(node: ast.Constant) -> Iterator[ast.Constant]:
    match node.value:
        case bool(value):
            yield ast.Constant(not value)
        case int(value) | float(value):
            yield ast.Constant(value + 1)
        case str(value):
            yield ast.Constant(value + "XX")
        case bytes(value):
            yield ast.Constant(value + b"XX")


def _comparisons(node: ast.Compare) -> Iterator[ast.Compare]:
    for number, operator in enumerate(node.ops):
        operators = [*node.ops[:number], COMPARISONS[type(operator)](), *node.ops[number + 1 :]]
        yield ast.Compare(node.left, operators, node.comparators)


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    for number, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not _is_flag(keyword):
            yield ast.Call(node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :])
    match node:
        case ast.Call(ast.Name(name), args, keywords) if name in OPPOSITES:
            yield ast.Call(ast.Name(OPPOSITES[name], ast.Load()), args, keywords)
        case ast.Call(ast.Attribute(value, name), args, keywords) if name in OPPOSITES:
            yield ast.Call(ast.Attribute(value, OPPOSITES[name], ast.Load()), args, keywords)
    match node:
        case ast.Call(ast.Name(name), [ast.expr()], []) if name in UNWRAPPED:
            return
        case ast.Call(_, [ast.expr() as only], []) if not isinstance(only, WHOLE):
            yield only
        case ast.Call(ast.Attribute(value, _), [], []) if not isinstance(value, ast.Call | ast.Name):
            yield value


def _is_flag(keyword: ast.keyword) -> bool:
    """Whether to turn it over is enough."""
    return isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool)
