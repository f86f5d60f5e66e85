"""Finds out what a provider's functions want to read, and makes users that have it.

A provider says nowhere what its user info endpoint answers; only its own functions know. So they are given a body
with the members that most providers have, and when they fail, what they looked for in vain is put in:

1. `Noting` and `NotingText` are a dict and a text that write down the path of what is missing. A text does so when
   it is used like a dict or like a list, so that ``data["data"]["user"]["id"]`` is found step by step.
2. `Shape` is what was put in, without the person: the paths, and whether ids are numbers.
3. `find_users` improves the shape, try by try, until the functions return a `Profile`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

from authkit.emulator.stock.people import PEOPLE, Person
from authkit.emulator.stock.users import StockUser, read_profile, reason_of
from authkit.errors import ConfigError
from authkit.provider import OAuth2Provider

__all__ = ["find_users"]

TRIES = 25
"""Tries with ids that are texts, and again with ids that are numbers."""

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


@dataclass(frozen=True, slots=True)
class Shape:
    """What a body has beside the common members.

    Attributes:
        has_numbers: whether ids are numbers; otherwise they are texts.
        paths: what was put in, in this order; the value says whether it is a dict, which later paths add to.
    """

    has_numbers: bool
    paths: dict[Path, bool] = field(default_factory=dict)

    def fill(self, person: Person) -> dict[str, Any]:
        """Return the body of one person."""
        make_dict = partial(person.fields, has_numbers=self.has_numbers)
        body = make_dict()
        for path, is_dict in self.paths.items():
            names = [key for key in reversed(path) if isinstance(key, str)]
            value = make_dict() if is_dict else person.text_for(names, has_numbers=self.has_numbers)
            _put(body, path, value, make_dict)
        return body

    def improve(self, notes: Notes, exc: Exception) -> bool:
        """Put in what was looked for in vain; False when there is nothing left to try."""
        for path in (*notes.missing[-1:], *_keys_of(exc), *notes.asked_for):
            if path not in self.paths and not str(path[-1]).startswith("error"):
                self.paths[path] = False
                return True
        texts = [path for path, is_dict in self.paths.items() if not is_dict]
        if texts:
            self.paths[texts[-1]] = True
        return bool(texts)


def _keys_of(exc: Exception) -> list[Path]:
    """Return what is missing by the exception's account: in a copy of the body, nothing is noted."""
    return [(key,) for key in exc.args if isinstance(key, str)] if isinstance(exc, KeyError) else []


def _put(body: dict[str, Any], path: Path, value: Any, make_dict: Callable[[], dict[str, Any]]) -> None:
    """Set what is at `path`, where a key 0 means the only item of a list; what stands in the way is replaced."""
    place: Any = body
    for key, following in pairwise(path):
        present = _look(place, key)
        if not isinstance(present, dict if isinstance(following, str) else list):
            present = make_dict() if isinstance(following, str) else []
            _set(place, key, present)
        place = present
    _set(place, path[-1], value)


def _look(place: Any, key: str | int) -> Any:
    if isinstance(place, list):
        return place[0] if place else None
    return place.get(key)


def _set(place: Any, key: str | int, value: Any) -> None:
    if isinstance(place, list):
        place[:] = [value]
    else:
        place[key] = value


def find_users(provider: OAuth2Provider) -> tuple[StockUser, ...]:
    """Return three users whose user info the provider's own functions can read.

    Raises:
        ConfigError: it cannot be found out what they want.
    """
    reasons = []
    for shape in (Shape(has_numbers=False), Shape(has_numbers=True)):
        try:
            return _search(provider, shape)
        except LookupError as exc:
            reasons.append(str(exc))
    raise ConfigError(
        f"nobody can tell what the user info endpoint of {provider.name!r} answers ({reasons[0]}): give users "
        "yourself, StockEmulator(provider, users=[{...}]), or let the plugin bring an emulator"
    )


def _search(provider: OAuth2Provider, shape: Shape) -> tuple[StockUser, ...]:
    """Return users, improving `shape` until the provider's functions can read them.

    Raises:
        LookupError: they cannot; the text says why.
    """
    reason = ""
    for _ in range(TRIES):
        try:
            return tuple(_make_user(provider, shape, person) for person in PEOPLE)
        except Exception as exc:  # noqa: BLE001 - a plugin's functions may raise anything
            failure = exc
        reason = reason_of(failure)
        notes = Notes()
        with suppress(Exception):
            read_profile(provider, Noting(shape.fill(PEOPLE[0]), (), notes), str(PEOPLE[0].id))
        if not shape.improve(notes, failure):
            break
    raise LookupError(reason)


def _make_user(provider: OAuth2Provider, shape: Shape, person: Person) -> StockUser:
    body = shape.fill(person)
    return StockUser(body, read_profile(provider, body, str(person.id)))
