"""Changes that are made to an answer on its way to the provider's client."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeAlias

__all__ = ["MISSING", "Tamper", "named", "replacing", "setting"]

Tamper: TypeAlias = Callable[[Any], Any]

MISSING: Any = object()
"""The value of a member that is not there."""


def setting(name: str, value: Any) -> Tamper:
    """Return what gives the member `name` another value, or takes it away."""

    def tamper(answer: dict[str, Any]) -> dict[str, Any]:
        kept = {member: answer[member] for member in answer if member != name}
        return kept if value is MISSING else {**kept, name: value}

    return tamper


def replacing(is_meant: Callable[[str, Any], bool], value: Any) -> Tamper:
    """Return what gives every member that is meant another value, at whatever depth, or takes it away."""
    return partial(_replaced, is_meant, value)


def named(names: Collection[str]) -> Callable[[str, Any], bool]:
    """Return a test of whether a member has one of `names`."""
    return lambda name, _: name in names


def _replaced(is_meant: Callable[[str, Any], bool], value: Any, answer: Any) -> Any:
    if isinstance(answer, list):
        return [_replaced(is_meant, value, item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    meant = {name for name, member in answer.items() if is_meant(name, member)}
    kept = {name: _replaced(is_meant, value, answer[name]) for name in answer if name not in meant}
    return kept if value is MISSING else {**kept, **dict.fromkeys(meant, value)}
