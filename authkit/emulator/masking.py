"""Masking: what people see instead of a secret, on the control page and in the terminal.

A masked secret still says what helps to find a mistake: that it is there, whether it is short or long, and of a long
one the kind and the length (``act.…(57)``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus

__all__ = ["mask", "mask_header", "mask_pairs", "mask_url"]

SHORT = "••••"
LONG = 20
SHOWN = 4
NESTED = 3

SECRETS = frozenset({"authorization", "code", "cookie", "idtokenhint", "proxyauthorization", "state", "ticket"})
SECRET_ENDINGS = ("assertion", "password", "secret", "ticket", "token", "verifier")
SCHEMES = frozenset({"basic", "bearer", "digest", "dpop", "mac"})
ORDINARY_NAME = re.compile(r"[\w.:\[\]-]{1,64}")
PARAMETER = re.compile(r"(^|[?&#;]\s*)([^=&#?;\s]+)=([^&#]*)")


def mask(secret: str) -> str:
    """Return what is shown instead of `secret`.

    Of 20 characters or more: the first four, which tell an access token from a refresh token and still leave enough
    to guess, and the length, which tells a cut or twice-encoded one. Of fewer: nothing, not even how many. An empty
    one stays empty, because that is the mistake.
    """
    if len(secret) >= LONG:
        return f"{secret[:SHOWN]}…({len(secret)})"
    return SHORT if secret else ""


def mask_pairs(pairs: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield the parameters of a query or a form, masked.

    A name that no parameter has is masked as well: it is a body of another format, read as a form.
    """
    for name, value in pairs.items():
        yield name if ORDINARY_NAME.fullmatch(name) else mask(name), _mask_value(name, value)


def mask_header(name: str, value: str) -> str:
    """Return the value of a header as it is shown: the scheme of credentials and the names of cookies remain."""
    if name.lower() == "cookie":
        return "; ".join(_mask_cookie(pair.strip()) for pair in value.split(";"))
    scheme, blank, rest = value.partition(" ")
    if _is_secret(name) and scheme.lower() in SCHEMES:
        return f"{scheme}{blank}{mask(rest)}"
    return _mask_value(name, value)


def mask_url(url: str, nested: int = NESTED) -> str:
    """Return `url` with the secrets in its query and fragment masked, and those of URLs inside of these."""

    def hide(match: re.Match[str]) -> str:
        before, name, value = match.groups()
        if _is_secret(unquote_plus(name)):
            return f"{before}{name}={mask(unquote_plus(value))}"
        return f"{before}{name}={_mask_text(value, nested - 1) if nested else value}"

    return PARAMETER.sub(hide, url)


def _mask_value(name: str, value: str) -> str:
    return mask(value) if _is_secret(name) else _mask_text(value, NESTED)


def _mask_text(text: str, nested: int) -> str:
    """Return `text` as it is, unless it is a URL with a secret in it, encoded once or more often."""
    plain = text
    for _ in range(NESTED):
        plain = unquote_plus(plain)
    masked = mask_url(plain, nested)
    return text if masked == plain else masked


def _mask_cookie(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{name}={mask(value)}" if equals else mask(pair)


def _is_secret(name: str) -> bool:
    """Whether `name` is that of a secret in one of the ways people write it: client_secret, clientSecret, code[]."""
    plain = re.sub(r"[\W_]", "", name).lower()
    return plain in SECRETS or plain.endswith(SECRET_ENDINGS)
