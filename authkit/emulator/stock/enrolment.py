"""Makes an account of a profile: a body of which the provider's own functions make just that profile.

Nobody says which member of a body holds what; only the provider's functions know. So the body of an account that they
can read is changed, one field of the profile after the other, and they are asked what they make of each change:

1. every member that holds the old value gets the new one, so that the body stays of one piece;
2. else one member alone gets it, be it one that they look for in vain.

The first change that gives the field its value, and takes no other field's away, stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from authkit.emulator.stock.leaves import GONE, leaves, with_member, with_values
from authkit.emulator.stock.noting import Notes, Noting, Path
from authkit.emulator.stock.users import StockUser
from authkit.models import Profile

__all__ = ["FIELDS", "Enrolment"]

FIELDS = ("subject", "display_name", "username", "avatar_url", "email", "email_verified", "union_id")
DEEPEST = 4
"""How many objects that are missing are tried within one another."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One attempt to make an account.

    Attributes:
        wanted: the profile that it shall have.
        like: the account that it is made of.
        read: returns what the provider's functions make of a body; it may raise anything.
    """

    wanted: Profile
    like: StockUser
    read: Callable[[Mapping[str, Any]], Profile]

    def body(self) -> Mapping[str, Any]:
        """Return a body whose profile comes as near to the wanted one as can be."""
        body = self.like.body
        settled: dict[str, object] = {}
        for name in sorted(FIELDS, key=self._is_open):  # what is asked for goes first
            for value in self._values(name):
                better = self._changed(body, {**settled, name: value}, name)
                if better is not None:
                    body, settled[name] = better, value
                    break
        return body

    def lacking(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the fields of the wanted profile that `body` does not give."""
        wanted = {name: getattr(self.wanted, name) for name in FIELDS if not self._is_open(name)}
        return tuple(name for name, value in wanted.items() if not self._gives(body, {name: value}))

    def _is_open(self, name: str) -> bool:
        """Whether the wanted profile says nothing of a field."""
        return getattr(self.wanted, "email" if name == "email_verified" else name) is None

    def _values(self, name: str) -> tuple[object, ...]:
        """Return the values that a field may have, the best first."""
        if not self._is_open(name):
            return (getattr(self.wanted, name),)
        someone = f"user-{self.wanted.subject}"
        made_up = {"display_name": someone, "username": someone, "email": f"{someone}@people.example"}
        return (False,) if name == "email_verified" else (None, *filter(None, [made_up.get(name)]))

    def _changed(self, body: Mapping[str, Any], settled: Mapping[str, object], name: str) -> Mapping[str, Any] | None:
        """Return `body` so that it gives what is settled, the field `name` included; None if that cannot be."""
        candidates = chain([body], self._candidates(body, name, settled[name]))
        return next((candidate for candidate in candidates if self._gives(candidate, settled)), None)

    def _candidates(self, body: Mapping[str, Any], name: str, value: object) -> Iterator[Mapping[str, Any]]:
        old = getattr(self.like.profile, name)
        places = [path for path, _ in leaves(body)]
        for new in (GONE, None) if value is None else (value,):
            if isinstance(old, str):
                yield with_values(body, {**_parts(old, new), old: new})
            yield from (with_member(body, path, new) for path in (*places, *self._sought(body)))

    def _sought(self, body: Mapping[str, Any], below: Path = ()) -> Iterator[Path]:
        """Yield the members that the functions look for in vain, and what they would look for within these."""
        notes = Notes()
        with suppress(Exception):
            self.read(Noting(dict(body), (), notes))
        deeper = [path for path in (*notes.missing, *notes.asked_for) if below == path[: len(below)] != path]
        yield from deeper
        for path in deeper if len(below) < DEEPEST else ():
            yield from self._sought(with_member(body, path, {}), path)

    def _gives(self, body: Mapping[str, Any], settled: Mapping[str, object]) -> bool:
        """Whether the functions make of `body` a profile with these values."""
        with suppress(Exception):  # a plugin's functions may raise anything
            profile = self.read(body)
            return all(getattr(profile, name) == value for name, value in settled.items())
        return False


def _parts(old: str, new: object) -> Mapping[str, object]:
    """Return what becomes of a first and a last name, should `old` be made of the two."""
    given, blank, family = old.partition(" ")
    if not blank or not isinstance(new, str):
        return {}
    return dict(zip((given, family), new.partition(" ")[::2], strict=True))
