"""Scopes as the provider writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from authkit.provider import OAuth2Provider

__all__ = ["is_scope", "join_scopes", "split_scopes", "usual_scopes"]


def usual_scopes(provider: OAuth2Provider) -> tuple[str, ...]:
    """Return what is asked for where nothing else is said, each once."""
    return tuple(dict.fromkeys((*provider.basic_scope, *provider.default_scope)))


def split_scopes(text: str, provider: OAuth2Provider) -> tuple[str, ...]:
    """Return the words of a scope, each once; one that is no scope shows that the list is badly written."""
    return tuple(dict.fromkeys(text.split(provider.scope_separator)))


def join_scopes(scopes: Iterable[str], provider: OAuth2Provider) -> str:
    """Return a scope as the provider writes it."""
    return provider.scope_separator.join(scopes)


def is_scope(word: str) -> bool:
    """Whether `word` is a scope: printable ASCII without blank, quote and backslash (RFC 6749, section 3.3)."""
    return re.fullmatch(r"[!#-\[\]-~]+", word) is not None
