"""The values a login is made of. All are frozen; no secret shows in a repr, a log line or a dump."""

from __future__ import annotations

import hmac
import traceback
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from authkit.errors import ProviderProtocolError, redacted
from authkit.frozen import freeze

__all__ = ["Identity", "Login", "Profile", "ProviderEvent", "Secret", "Token"]

SUBJECT_LENGTH = 255
"""How long a part of an identity may be, in bytes of UTF-8 (OpenID Connect Core 1.0, section 2: 255 of ASCII)."""
TEXT_LENGTH = 2000


class Secret:
    """A text that does not show itself: ``repr``, ``str`` and ``format`` are redacted, `reveal` gives it.

    It equals another `Secret`, or a plain text, with the same content (compared in constant time).
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Every place where a secret leaves authkit calls this."""
        return self._text

    def __repr__(self) -> str:
        return "<secret: call .reveal()>"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        text = other._text if isinstance(other, Secret) else other
        if not isinstance(text, str):
            return NotImplemented
        return hmac.compare_digest(self._text.encode("utf-8", "replace"), text.encode("utf-8", "replace"))

    def __hash__(self) -> int:
        return hash(self._text)


def is_plain(text: str) -> bool:
    """Whether `text` has neither control characters nor lone surrogates."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)


def is_short(text: str) -> bool:
    """Whether `text` may be a part of an identity, whose key, percent-encoded, has to go into a session's cookie."""
    return len(text.encode("utf-8", "replace")) <= SUBJECT_LENGTH


def _clean(name: str, text: object) -> str | None:
    """Return an optional text of a profile without the characters that a page or a database chokes on."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ProviderProtocolError(f"the profile's {name} must be text, got {type(text).__name__}")
    return "".join(char for char in text[:TEXT_LENGTH] if unicodedata.category(char) not in ("Cc", "Cs"))


@dataclass(frozen=True, slots=True)
class Profile:
    """What the provider says of the user, normalised.

    Attributes:
        subject: the user's id at the provider: a text, never empty, 255 bytes of UTF-8 at most. The only key.
        display_name: the name to show; neither unique nor stable.
        username: the handle; unique but changeable.
        avatar_url: a picture, http or https; may expire (TikTok's do), so fetch it anew rather than keep the address.
        email: an address the provider gave; authkit never makes one up.
        email_verified: True only where the provider says so in so many words.
        union_id: a second id, the same for this person in all apps of one developer, where the provider has one;
            255 bytes of UTF-8 at most.
        raw: what the provider sent, as the plugin passes it on; read-only.

    Raises:
        ProviderProtocolError: the subject is no usable text, or another field is of a wrong type.
    """

    subject: str
    display_name: str | None = None
    username: str | None = None
    avatar_url: str | None = None
    email: str | None = None
    email_verified: bool = False
    union_id: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        subject: object = self.subject
        raw: object = self.raw
        if not isinstance(subject, str):
            raise ProviderProtocolError(f"the subject must be text, got {type(subject).__name__}")
        if not isinstance(raw, Mapping):
            raise ProviderProtocolError(f"the profile's raw must be a mapping, got {type(raw).__name__}")
        if not subject.strip() or not is_short(subject) or not is_plain(subject):
            raise ProviderProtocolError("the subject is empty, too long, or has control characters")
        email, avatar_url, union_id = self.email, self.avatar_url, self.union_id
        for name in ("display_name", "username", "avatar_url", "email", "union_id"):
            object.__setattr__(self, name, _clean(name, getattr(self, name)) or None)
        if email != self.email:
            object.__setattr__(self, "email", None)  # mended, it would be an address that the provider did not give
        if union_id != self.union_id or not is_short(union_id or ""):
            object.__setattr__(self, "union_id", None)  # mended or cut, it would be somebody else's
        if avatar_url is not None and not avatar_url.startswith(("https://", "http://")):
            object.__setattr__(self, "avatar_url", None)  # a link to it must not run anything
        object.__setattr__(self, "email_verified", self.email_verified is True and self.email is not None)
        object.__setattr__(self, "raw", freeze(self.raw))


@dataclass(frozen=True, slots=True)
class Token:
    """What the token endpoint answered (RFC 6749, section 5.1).

    Attributes:
        access_token: for calls to the provider's API; ``.reveal()`` gives the text.
        refresh_token: for `AuthKit.refresh`, None where the provider gave none.
        expires_at: when the access token ends, in UTC; None when the provider did not say.
        refresh_expires_at: when the refresh token ends, in UTC; None when the provider did not say.
        scope: what was granted, which may be less, or more, than what was asked for.
        subject: the user's id, where the token answer names it (TikTok's ``open_id``, OpenID Connect's ``sub``).
        id_token: the ID token as it came, None where there was none. Only a provider of OpenID Connect verifies it;
            the vault does not keep it.

    Raises:
        ProviderProtocolError: one of them is of another type.
    """

    access_token: Secret
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scope: tuple[str, ...] = ()
    subject: str | None = None
    id_token: Secret | None = None

    def __post_init__(self) -> None:
        scope: object = self.scope
        if not isinstance(scope, tuple) or not all(isinstance(word, str) for word in scope):
            raise ProviderProtocolError("the token's scope must be a tuple of texts")
        tokens: tuple[object, ...] = (self.access_token, self.refresh_token, self.id_token)
        if not isinstance(tokens[0], Secret) or not all(isinstance(token, Secret | None) for token in tokens):
            raise ProviderProtocolError("the tokens must be of type Secret")
        ends: tuple[object, ...] = (self.expires_at, self.refresh_expires_at)
        if not all(isinstance(end, datetime | None) for end in ends):
            raise ProviderProtocolError("the token's ends must be of type datetime")
        subject: object = self.subject
        if not isinstance(subject, str | None):
            raise ProviderProtocolError(f"the token's subject must be text, got {type(subject).__name__}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: (authority, client, subject), compared byte by byte. No name and no e-mail address is a key.

    Raises:
        ProviderProtocolError: a part is empty, longer than 255 bytes of UTF-8, or has control characters.
    """

    authority: str
    client: str
    subject: str

    def __post_init__(self) -> None:
        for part in (self.authority, self.client, self.subject):
            if not part.strip() or not is_short(part) or not is_plain(part):
                raise ProviderProtocolError("a part of the identity is empty, too long, or has control characters")

    @property
    def key(self) -> str:
        """The identity as one text, ``v1:authority:client:subject``, each part percent-encoded. It never changes."""
        return ":".join(["v1", *(quote(part, safe="") for part in (self.authority, self.client, self.subject))])


def traceback_without(token: Token, exc: BaseException) -> str:
    """Return the traceback of `exc` for the log, the tokens taken out: the code that raised may have quoted them."""
    tokens = filter(None, (token.access_token, token.refresh_token, token.id_token))
    return redacted("".join(traceback.format_exception(exc)), [secret.reveal() for secret in tokens])


@dataclass(frozen=True, slots=True)
class Login:
    """The result of a login, handed to the app.

    Attributes:
        registration: the name of the registration that was used.
        identity: who signed in; ``identity.key`` is what to store.
        profile: what the provider says of the user.
        token: for calls to the provider on the user's behalf.
        granted_scopes: what the user granted.
        missing_scopes: what was asked for and not granted; ask again with
            ``kit.begin(login.registration, scope=login.missing_scopes, prompt="consent")``.
        return_to: the local path that the login was started from.
        correlation_id: the id of this login in the log.
    """

    registration: str
    identity: Identity
    profile: Profile
    token: Token
    granted_scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...]
    return_to: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """What a provider tells the app outside of any login, by webhook.

    Attributes:
        name: the provider's own word for it, such as ``authorization.removed``.
        client: the client that it is meant for; the core compares it with the registration's.
        subject: the user that it is about, "" when it names nobody.
        created_at: when it happened, in UTC.
        ends_authorization: whether the user's tokens are dead from now on.
        reason: why, in a few words of the plugin's, "" when there is nothing to say.
        content: what else the provider says; read-only.
        registration: the registration that it came to. The core sets it.

    Raises:
        ProviderProtocolError: a text is of another type, or has control characters.
    """

    name: str
    client: str
    subject: str
    created_at: datetime
    ends_authorization: bool = False
    reason: str = ""
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    registration: str = ""

    def __post_init__(self) -> None:
        for text in (self.name, self.client, self.subject, self.reason):
            value: object = text
            if not isinstance(value, str) or not is_short(value) or not is_plain(value):
                raise ProviderProtocolError(
                    "a text of the event is of another type, too long, or has control characters"
                )
        object.__setattr__(self, "content", freeze(self.content))
