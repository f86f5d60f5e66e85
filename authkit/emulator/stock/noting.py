"""A dict and a text that write down what is looked for in them in vain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Notes", "Noting", "NotingText", "Path"]

Path: TypeAlias = tuple[str | int, ...]


@dataclass(slots=True)
class Notes:
    """What was looked for in vain: by ``[]``, which raises, and by ``.get`` or ``in``, which do not."""

    missing: list[Path] = field(default_factory=list)
    asked_for: list[Path] = field(default_factory=list)


class Noting(dict[str, Any]):
    """A dict that notes which keys it lacks."""

    def __init__(self, content: dict[str, Any], path: Path, notes: Notes) -> None:
        super().__init__({key: _noting(value, (*path, key), notes) for key, value in content.items()})
        self._path = path
        self._notes = notes

    def __missing__(self, key: object) -> Any:
        if isinstance(key, str):
            self._notes.missing.append((*self._path, key))
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        is_there = super().__contains__(key)
        if not is_there and isinstance(key, str):
            self._notes.asked_for.append((*self._path, key))
        return is_there

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the value of `key`, or the default."""
        return super().get(key, default) if key in self else default


class NotingText(str):
    """A text that notes when it is used as if it were a dict, or a list of them."""

    _path: Path
    _notes: Notes

    def __new__(cls, text: str, path: Path, notes: Notes) -> NotingText:
        made = super().__new__(cls, text)
        made._path, made._notes = path, notes
        return made

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            self._notes.missing.append((*self._path, key))
            raise KeyError(key)
        part = super().__getitem__(key)
        return part if isinstance(key, slice) else NotingText(part, (*self._path, 0), self._notes)

    def __iter__(self) -> Iterator[Any]:
        return (NotingText(char, (*self._path, 0), self._notes) for char in str(self))

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the default: a text has no keys."""
        self._notes.asked_for.append((*self._path, key))
        return default


def _noting(value: Any, path: Path, notes: Notes) -> Any:
    if isinstance(value, dict):
        return Noting(value, path, notes)
    if isinstance(value, list):
        return [_noting(item, (*path, 0), notes) for item in value]
    return NotingText(value, path, notes) if isinstance(value, str) else value
