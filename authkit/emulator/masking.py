"""Masking: what people see instead of a secret, on the control page and in the terminal.

A masked secret still says what helps to find a mistake: that it is there, whether it is short or long, and of a long
one the kind and the length (``act.…(57)``). Of a very long text only the beginning is looked at and shown,
which bounds the time that it takes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote_plus

__all__ = ["cut", "mask", "mask_header", "mask_pairs", "mask_text", "mask_url"]

SHORT = "••••"
LONG = 20
SHOWN = 4
NESTED = 3
LONGEST = 2000
LOOKED_AT = 2100

SECRETS = (
    *("apikey", "assertion", "authentication", "authorization", "code", "cookie", "idtokenhint", "password", "pwd"),
    *("secret", "secretkey", "session", "state", "ticket", "token", "tokens", "verifier"),
)
NO_SECRETS = ("errcode", "errorcode", "statuscode")
SCHEMES = frozenset({"basic", "bearer", "digest", "dpop", "mac"})
ORDINARY_NAME = re.compile(r"[\w.:\[\]-]{1,64}")
TOKENS = ("act.", "clt.", "rft.")
TOKEN = re.compile(r"""(?<![^\W_])(?:act|clt|rft)\.(?!…)[^\s&#?;,"'<>]{8,}""")
USERINFO = re.compile(r"(//(?:[^\s/?#:]*:)?)([^\s/?#…•]+)(?=@)")
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


def cut(text: str) -> str:
    """Return the first 2000 characters of `text`, and how many it has if there are more."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}{_count(text)}"


def mask_text(text: str) -> str:
    """Return `text` cut, and as it is unless it is a token or a secret stands in it, encoded once or more often."""
    if text.startswith(TOKENS) and len(text) >= len("act.") + 8:
        return mask(text)
    return _mask_beginning(text, lambda beginning: _mask_text(beginning, NESTED))


def mask_pairs(pairs: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Yield the parameters of a query or a form, masked.

    A name that no parameter has is masked as well: it is a body of another format, read as a form.
    """
    for name, value in pairs.items():
        yield mask_text(name) if ORDINARY_NAME.fullmatch(name) else mask(name), _mask_value(name, value)


def mask_header(name: str, value: str) -> str:
    """Return the value of a header as it is shown: the scheme of credentials and the names of cookies remain."""
    if name.lower() == "cookie":
        return _mask_beginning(value, _mask_cookies)
    scheme, blank, rest = value.partition(" ")
    if _is_secret(name) and scheme.lower() in SCHEMES:
        return f"{scheme}{blank}{mask(rest)}"
    return _mask_value(name, value)


def mask_url(url: str) -> str:
    """Return `url` cut, with its password, its tokens and the secrets in its parameters masked, however nested."""
    return _mask_beginning(url, lambda beginning: _mask_url(beginning, NESTED))


def _mask_beginning(text: str, hide: Callable[[str], str]) -> str:
    """Return what `hide` makes of `text`, cut; the little more that it sees is where a secret at the end shows."""
    masked = hide(text[:LOOKED_AT])
    return masked if len(text) <= LONGEST else f"{masked[:LONGEST]}{_count(text)}"


def _count(text: str) -> str:
    return f"… ({len(text)} characters)"


def _mask_url(url: str, nested: int) -> str:
    def hide(match: re.Match[str]) -> str:
        before, name, value = match.groups()
        if _is_secret(unquote_plus(name)):
            return f"{before}{name}={mask(unquote_plus(value))}"
        return f"{before}{name}={_mask_text(value, nested - 1) if nested else value}"

    masked = USERINFO.sub(lambda match: f"{match[1]}{mask(match[2])}", PARAMETER.sub(hide, url))
    return TOKEN.sub(lambda match: mask(match[0]), masked)


def _mask_value(name: str, value: str) -> str:
    return mask(value) if _is_secret(name) else mask_text(value)


def _mask_text(text: str, nested: int) -> str:
    plain, encoded = unquote_plus(text), text
    for _ in range(NESTED - 1):
        if plain == encoded:
            break
        plain, encoded = unquote_plus(plain), plain
    masked = _mask_url(plain, nested)
    return text if masked == plain else masked


def _mask_cookies(cookies: str) -> str:
    return "; ".join(_mask_cookie(pair.strip()) for pair in cookies.split(";"))


def _mask_cookie(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{mask_text(name)}={mask(value)}" if equals else mask(pair)


def _is_secret(name: str) -> bool:
    """Whether `name` is that of a secret in one of the ways people write it: clientSecret, code[], data[code][0]."""
    plain = re.sub(r"\[\d*\]|[\W_]", "", name).lower()
    return plain.endswith(SECRETS) and not plain.endswith(NO_SECRETS)
