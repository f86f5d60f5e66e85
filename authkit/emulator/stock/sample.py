"""Finds out what a provider's functions want to read, and makes users that have it.

A provider says nowhere what its user info endpoint answers; only its own functions know. So they are given a body
with the members that most providers have, and when they fail, what they looked for in vain is put in:

1. `Noting` and `NotingText` are a dict and a text that write down the path of what is missing. A text does so when
   it is used like a dict or like a list, so that ``data["data"]["user"]["id"]`` is found step by step.
2. `Shape` is what was put in, without the person: the paths, and whether ids are numbers.
3. `find_users` improves the shape, try by try, until the functions return a `Profile`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from authkit.emulator.stock.noting import Notes, Noting, Path
from authkit.emulator.stock.people import PEOPLE, Person
from authkit.emulator.stock.resources import NO_RESOURCES, Resources
from authkit.emulator.stock.users import StockUser, read_profile, reason_of
from authkit.errors import ConfigError
from authkit.models import Profile
from authkit.provider import OAuth2Provider

__all__ = ["find_users"]

TRIES = 25
"""Tries with ids that are texts, and again with ids that are numbers."""


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


def find_users(provider: OAuth2Provider, resources: Resources = NO_RESOURCES) -> tuple[StockUser, ...]:
    """Return three users whose user info the provider's own functions can read.

    Args:
        provider: the provider.
        resources: what further addresses answer.

    Raises:
        ConfigError: it cannot be found out what they want.
    """
    reasons = []
    for shape in (Shape(has_numbers=False), Shape(has_numbers=True)):
        try:
            return _search(partial(read_profile, provider, resources=resources), shape)
        except LookupError as exc:
            reasons.append(str(exc))
    raise ConfigError(
        f"nobody can tell what the user info endpoint of {provider.name!r} answers ({reasons[0]}): give users "
        "yourself, StockEmulator(provider, users=[{...}]), or let the plugin bring an emulator"
    )


def _search(read: Callable[[dict[str, Any], str], Profile], shape: Shape) -> tuple[StockUser, ...]:
    """Return users, improving `shape` until the provider's functions can read them.

    Raises:
        LookupError: they cannot; the text says why.
    """
    reason = ""
    for _ in range(TRIES):
        try:
            return tuple(_make_user(read, shape, person) for person in PEOPLE)
        except Exception as exc:  # noqa: BLE001 - a plugin's functions may raise anything
            failure = exc
        reason = reason_of(failure)
        notes = Notes()
        with suppress(Exception):
            read(Noting(shape.fill(PEOPLE[0]), (), notes), str(PEOPLE[0].id))
        if not shape.improve(notes, failure):
            break
    raise LookupError(reason)


def _make_user(read: Callable[[dict[str, Any], str], Profile], shape: Shape, person: Person) -> StockUser:
    body = shape.fill(person)
    return StockUser(body, read(body, str(person.id)))
