"""Three invented people, and what providers commonly tell of somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["PEOPLE", "Person"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who does not exist."""

    id: int
    login: str
    given_name: str
    family_name: str
    locale: str

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.given_name} {self.family_name}"

    @property
    def email(self) -> str:
        """An address on a domain that is reserved for examples (RFC 2606, section 2)."""
        return f"{self.login}@people.example"

    @property
    def picture(self) -> str:
        """The address of a picture that nobody took."""
        return f"https://people.example/{self.login}.png"

    def fields(self, *, has_numbers: bool) -> dict[str, Any]:
        """Return what providers commonly tell, under their common names.

        Args:
            has_numbers: whether ids are numbers; otherwise they are texts.
        """
        person_id = self.id if has_numbers else str(self.id)
        return {
            **dict.fromkeys(("id", "sub", "user_id", "uid"), person_id),
            **dict.fromkeys(("name", "display_name", "full_name"), self.name),
            **dict.fromkeys(("login", "username", "user_name", "preferred_username", "nickname"), self.login),
            **dict.fromkeys(("given_name", "first_name"), self.given_name),
            **dict.fromkeys(("family_name", "last_name"), self.family_name),
            **dict.fromkeys(("email_verified", "verified_email"), True),
            **dict.fromkeys(("picture", "avatar", "avatar_url"), self.picture),
            "email": self.email,
            "locale": self.locale,
            "created_at": "2024-02-29T12:00:00Z",
            "updated_at": "2026-11-21T12:00:00Z",
        }

    def text_for(self, names: Iterable[str], *, has_numbers: bool) -> str | int:
        """Return what a member of an unknown name is likely to hold.

        Args:
            names: the member's name, then the name of what it is in, and so on.
            has_numbers: whether ids are numbers; otherwise they are texts.
        """
        for name in names:
            for part, text in self._likely.items():
                if part in name.lower():
                    return text
        return self.id if has_numbers else str(self.id)

    @property
    def _likely(self) -> Mapping[str, str]:
        pictures = dict.fromkeys(("avatar", "icon", "image", "photo", "picture", "url"), self.picture)
        names = {"first": self.given_name, "last": self.family_name, "name": self.name, "label": self.name}
        return {"mail": self.email, **pictures, **names, **dict.fromkeys(("nick", "handle", "alias"), self.login)}


PEOPLE = (
    Person(1000001, "ada", "Ada", "Example", "en-GB"),
    Person(1000002, "ben", "Ben", "Example", "de"),
    Person(1000003, "zoe", "Zoë & Co", "<b>Łukasz</b>", "pl"),
)
"""The third has a name that a careless page would take for markup."""
