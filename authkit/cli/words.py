"""`in_words`: what a provider says of somebody, as people read it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["in_words"]


def in_words(value: object) -> str:
    """Return JSON without its braces, brackets and quotes, at whatever depth.

    Example:
        >>> in_words([{"email": "ada@people.example", "primary": True}])
        'email: ada@people.example, primary: True'
    """
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {in_words(item)}" for name, item in value.items())
    return str(value)
