"""The members of a JSON object at whatever depth, and the object with some of them changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from authkit.emulator.stock.noting import Path

__all__ = ["GONE", "leaves", "with_member", "with_values"]

GONE = object()
"""Stands for the value of a member that is taken out."""


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield path and value of what is no object and no list."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path, value


def with_values(value: Any, changes: Mapping[str, object]) -> Any:
    """Return `value` with each text, and each number that is written so, replaced by what `changes` has for it."""
    if isinstance(value, Mapping):
        items = ((key, with_values(item, changes)) for key, item in value.items())
        return {key: item for key, item in items if item is not GONE}
    if isinstance(value, list):
        return [item for item in (with_values(item, changes) for item in value) if item is not GONE]
    return _fitting(value, changes.get(str(value), value))


def with_member(value: Any, path: Path, new: object) -> Any:
    """Return `value` with `new` at `path`, objects put in where they are missing; or without what is there."""
    if not path:
        return _fitting(value, new)
    key, rest = path[0], path[1:]
    if isinstance(value, list):
        all_items = (with_member(item, rest, new) if number == key else item for number, item in enumerate(value))
        return [item for item in all_items if item is not GONE]
    known = value if isinstance(value, Mapping) else {}
    items = {**known, str(key): with_member(known.get(key), rest, new)}
    return {name: item for name, item in items.items() if item is not GONE}


def _fitting(old: object, new: object) -> object:
    """Return `new`, as a number if `old` is one: some providers have numbers for ids."""
    is_number = isinstance(old, int) and not isinstance(old, bool)
    return int(new) if is_number and isinstance(new, str) and new.isascii() and new.isdecimal() else new
