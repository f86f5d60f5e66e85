"""One client registered at one provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authkit.frozen import freeze
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
        options: the values of the provider's own options, by name; a secret one is a `Secret`.
        authority: who vouches for the subjects: the issuer of OpenID Connect, else the provider's name.
        prompts: what `prompt` may be, each with the parameters that ask for it.
        basic_scope: what must be asked for, because there is no profile without it.

    The last three are read off the provider, once: a plugin that changes its object afterwards changes no login.
    """

    name: str
    provider: AnyProvider
    client_id: str
    client_secret: Secret
    scope: tuple[str, ...]
    redirect_uri: str
    required_scope: tuple[str, ...] = ()
    prompt: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    authority: str = field(init=False)
    prompts: Mapping[str, Mapping[str, str]] = field(init=False)
    basic_scope: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        provider = self.provider
        object.__setattr__(self, "scope", tuple(self.scope))
        object.__setattr__(self, "authority", getattr(provider, "authority", provider.name))
        object.__setattr__(self, "prompts", freeze(getattr(provider, "prompts", {})))
        object.__setattr__(self, "basic_scope", tuple(getattr(provider, "basic_scope", ())))

    def scope_with(self, more: Sequence[str]) -> tuple[str, ...]:
        """Return the scope and `more`, each once; a text counts as its words."""
        added = more.replace(",", " ").split() if isinstance(more, str) else more
        return tuple(dict.fromkeys((*self.scope, *added)))

    def known_prompt(self, prompt: str | None) -> str | None:
        """Return `prompt`, or the registration's own.

        Raises:
            ValueError: the provider does not know it.
        """
        prompt = prompt or self.prompt
        if prompt is not None and prompt not in self.prompts:
            raise ValueError(f"{self.provider.title} does not know the prompt {prompt!r}")
        return prompt
