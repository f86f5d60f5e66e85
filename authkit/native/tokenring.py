"""Tokens in the system's keyring, where a program on a desktop keeps them from one run to the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from authkit.errors import AuthkitError, ConfigError, StoreUnavailable
from authkit.models import Secret, Token

__all__ = ["PasswordStore", "TokenRing"]

SERVICE = "authkit"

T = TypeVar("T")


class PasswordStore(Protocol):
    """What the library `keyring` offers, and its backends."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """Return what is kept, None if nothing is."""
        ...

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Keep `password`."""
        ...

    def delete_password(self, service: str, username: str, /) -> None:
        """Keep it no longer."""
        ...


class TokenRing:
    """Keeps tokens, by the key of the identity that they belong to.

    Args:
        store: where passwords are kept; the system's keyring if None, by the library ``keyring``.
        service: what the entries are filed under; a program's own name keeps its entries apart.

    Raises:
        ConfigError: the library is not installed.
    """

    def __init__(self, store: PasswordStore | None = None, service: str = SERVICE) -> None:
        self._store = _system_store() if store is None else store
        self._service = service

    def keep(self, identity_key: str, token: Token) -> None:
        """Keep `token` in place of the one before.

        Raises:
            StoreUnavailable: the keyring is not there, is locked, or keeps nothing.
        """
        text = json.dumps(_as_data(token))
        _ask(lambda: self._store.set_password(self._service, identity_key, text))
        if _ask(lambda: self._store.get_password(self._service, identity_key)) != text:
            raise StoreUnavailable("the keyring did not keep the token; see: keyring diagnose")

    def token(self, identity_key: str) -> Token | None:
        """Return the token that was kept; None if there is none, or what is there is none of ours.

        Raises:
            StoreUnavailable: the keyring is not there, or is locked.
        """
        text = _ask(lambda: self._store.get_password(self._service, identity_key))
        try:
            return None if text is None else _as_token(json.loads(text))
        except (ValueError, TypeError, KeyError, RecursionError, AuthkitError):
            return None

    def forget(self, identity_key: str) -> None:
        """Keep the token no longer, if there is one.

        Raises:
            StoreUnavailable: the keyring is not there, or is locked.
        """
        if _ask(lambda: self._store.get_password(self._service, identity_key)) is not None:
            _ask(lambda: self._store.delete_password(self._service, identity_key))


def _system_store() -> PasswordStore:
    try:
        import keyring
    except ImportError:
        raise ConfigError("the keyring needs one more package: pip install keyring") from None
    return keyring


def _ask(call: Callable[[], T]) -> T:
    """Return what the store answers. Of what it raises only the name is kept: the text may quote the token."""
    try:
        return call()
    except Exception as exc:  # noqa: BLE001 - a backend is somebody else's code
        problem = type(exc).__name__
    raise StoreUnavailable(f"the keyring failed ({problem}); see: keyring diagnose")


def _as_data(token: Token) -> dict[str, object]:
    return {
        "access_token": token.access_token.reveal(),
        "refresh_token": token.refresh_token.reveal() if token.refresh_token else None,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "refresh_expires_at": token.refresh_expires_at.isoformat() if token.refresh_expires_at else None,
        "scope": list(token.scope),
        "subject": token.subject,
    }


def _as_token(data: Any) -> Token:
    return Token(
        access_token=Secret(data["access_token"]),
        refresh_token=Secret(data["refresh_token"]) if data["refresh_token"] else None,
        expires_at=_as_time(data["expires_at"]),
        refresh_expires_at=_as_time(data["refresh_expires_at"]),
        scope=tuple(data["scope"]),
        subject=data["subject"],
    )


def _as_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
