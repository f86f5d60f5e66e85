"""`Recipe`: how some other library is pointed at an emulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["HasRecipes", "Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to put into the settings of an app.

    Attributes:
        title: the library.
        text: the lines to copy.
    """

    title: str
    text: str


@runtime_checkable
class HasRecipes(Protocol):
    """An emulator that knows how other libraries are pointed at it."""

    def recipes(self, origin: str) -> Sequence[Recipe]:
        """Return a recipe a library, for an emulator at `origin`."""
        ...
