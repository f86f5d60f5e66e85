"""`Person`: somebody at the provider. Each browser is two people's: its owner's, and a second account of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

__all__ = ["Person", "first_of", "people_of", "second_of"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the provider.

    Attributes:
        open_id: what the provider calls them, and what the app is to know them by.
        name: what they call themselves.
    """

    open_id: str
    name: str

    @property
    def union_id(self) -> str:
        """What all apps of one developer know them by."""
        return str(uuid5(NAMESPACE_URL, self.open_id))


def first_of(browser: int) -> Person:
    """Return whose browser it is."""
    return Person(f"-000first{browser:023d}", f"Person {browser}")


def second_of(browser: int) -> Person:
    """Return the other account of whose browser it is."""
    return Person(f"-000other{browser:023d}", f"Person {browser}, the other account")


def people_of(browsers: int) -> list[Person]:
    """Return everybody."""
    return [whose(browser) for browser in range(browsers) for whose in (first_of, second_of)]
