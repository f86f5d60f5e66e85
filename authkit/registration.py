"""One client registered at one provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from authkit.models import Secret
from authkit.provider import AnyProvider

__all__ = ["Registration"]


@dataclass(frozen=True, slots=True)
class Registration:
    """One client registered at one provider, under a name of its own.

    Attributes:
        name: the name in routes, settings and `AuthKit.begin`; the provider's, unless there are several.
        provider: the provider, with this registration's own endpoints and PKCE setting in it.
        client_id: the client id (TikTok calls it the client key).
        client_secret: the client secret.
        scope: what is asked for at each login.
        required_scope: what must be granted, or the login is refused with ``scope_missing``.
        redirect_uri: where the provider sends the browser back to.
        prompt: the prompt of each login, None for the provider's default.
        options: the values of the provider's own options.
    """

    name: str
    provider: AnyProvider
    client_id: str
    client_secret: Secret
    scope: tuple[str, ...]
    redirect_uri: str
    required_scope: tuple[str, ...] = ()
    prompt: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
