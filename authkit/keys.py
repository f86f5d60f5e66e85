"""The settings that authkit knows: declared once, as data. The table in the docs is generated from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from authkit.breaker import MAX_WAITING
from authkit.models import Secret
from authkit.provider import Option
from authkit.urls import check_url, origin_of

__all__ = ["MEMBER_KEYS", "PART_KEYS", "REGISTRATION_KEYS", "SITE_KEYS", "Key", "option_key", "words"]

MIN_SECRET_BYTES = 32
MAKE_SECRET = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
PLAIN_PATH = r"(/(?!\.{1,2}(/|$))[\w.~-]+)*"
"""A path of plain segments, none of them ``.`` or ``..``."""
YES_OR_NO = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting.

    Attributes:
        name: the name behind ``authkit.``, or behind ``authkit.<registration>.``.
        parse: makes the value of the text, or raises `ValueError` with the fix.
        help: one line for the docs and for the error when it is missing.
        default: the value when it is not set.
        is_required: whether it must be set.
        is_secret: whether its value is never shown, and may stand in a file named by ``<name>_file``.
    """

    name: str
    parse: Callable[[str], Any]
    help: str
    default: Any = ""
    is_required: bool = False
    is_secret: bool = False


def words(text: str) -> tuple[str, ...]:
    """Return the items of a list that has commas or blanks between them."""
    return tuple(dict.fromkeys(text.replace(",", " ").split()))


def plain(text: str) -> str:
    """Return a value pasted from a portal: no blank inside, nothing invisible, no quotation marks around it."""
    if not all("!" <= char <= "~" for char in text):
        raise ValueError("has a blank or an invisible character inside; paste it again")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        raise ValueError("has quotation marks around it, which are taken as a part of it; leave them out")
    return text


def line(text: str) -> str:
    """Return a text that people may read: blanks and letters of any script, nothing invisible."""
    if not text.isprintable():
        raise ValueError("has an invisible character inside; paste it again")
    return text


def secret(text: str) -> Secret:
    """Return a secret pasted from a portal."""
    return Secret(plain(text))


def secret_text(text: str) -> Secret:
    """Return a secret that may have blanks and several lines, such as JSON."""
    return Secret(text)


def app_secrets(text: str) -> tuple[Secret, ...]:
    """Return the app's own secrets, newest first."""
    found = text.split()
    if any(len(item.encode("utf-8")) < MIN_SECRET_BYTES for item in found):
        which = "is" if len(found) == 1 else f"has blanks, so it is {len(found)} secrets, of which one is"
        raise ValueError(f"{which} shorter than {MIN_SECRET_BYTES} bytes; make one with: {MAKE_SECRET}")
    return tuple(Secret(item) for item in found)


def base_url(text: str) -> str:
    """Return the app's public address without a slash at the end."""
    parts = check_url(text)
    if "?" in text or "*" in text or not re.fullmatch(f"{PLAIN_PATH}/?", parts.path, re.ASCII):
        raise ValueError("must be an origin, with a plain path at most; write it as https://app.example")
    return text.rstrip("/")


def url_prefix(text: str) -> str:
    """Return the path prefix of authkit's routes."""
    if not text or not re.fullmatch(PLAIN_PATH, text, re.ASCII):
        raise ValueError("must be a path such as /auth, without a slash at the end")
    return text


def absolute_url(text: str) -> str:
    """Return an https URL; http passes on a loopback host only."""
    check_url(text)
    return text


def exact_url(text: str) -> str:
    """Return an absolute URL that stands for itself alone (RFC 9700, section 2.1)."""
    if "*" in text:
        raise ValueError("has a wildcard; write one exact address")
    return absolute_url(text)


def page_url(text: str) -> str:
    """Return a page of the app: a local path, or an absolute URL."""
    if not re.fullmatch(r"/(?!/)[!-\[\]-~]*", text) or "#" in text:
        check_url(text)
    return text


def pem_file(text: str) -> str:
    """Return the name of a file that holds certificates as PEM: a broken one would fail each login, and no start."""
    import ssl  # few have such a file

    with suppress(OSError):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
        return text
    raise ValueError("is no readable file of PEM certificates")


def proxy_url(text: str) -> Secret:
    """Return the address of a proxy, which may hold a user and a password."""
    parts = urlsplit(plain(text))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.path not in ("", "/"):
        raise ValueError("is no address of a proxy; write it as http://host:port")
    return Secret(text)


def existing_folder(text: str) -> str:
    """Return the name of a folder that is there."""
    with suppress(OSError):  # of a path that nobody may look into, or that no file system takes
        if Path(text).is_dir():
            return text
    raise ValueError("is no folder")


def yes_or_no(text: str) -> bool:
    """Return what an ini file or the environment calls true or false."""
    if text.lower() not in YES_OR_NO:
        raise ValueError("must be true or false")
    return YES_OR_NO[text.lower()]


def seconds(text: str) -> int:
    """Return a number of seconds, at least one."""
    if not text.isascii() or not text.isdecimal() or not 1 <= len(text) <= 7 or int(text) == 0:
        raise ValueError("must be a number of seconds")
    return int(text)


def number(text: str) -> int:
    """Return a whole number, at least one."""
    if not text.isascii() or not text.isdecimal() or not 1 <= len(text) <= 4 or int(text) == 0:
        raise ValueError("must be a number from 1 to 9999")
    return int(text)


def origins(text: str) -> tuple[str, ...]:
    """Return the origins of web apps, each as a browser writes it (RFC 6454, section 6.2)."""
    found = words(text)
    for origin in found:
        if check_url(origin).path or origin != origin_of(origin):
            raise ValueError("must be origins as browsers write them, such as https://app.example")
    return found


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser that takes one of `choices`."""

    by_lower_case = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.lower() not in by_lower_case:
            raise ValueError(f"must be one of: {', '.join(choices)}")
        return by_lower_case[text.lower()]

    return parse


def option_key(option: Option) -> Key:
    """Return the key for a provider's own option."""
    parse = secret_text if option.is_secret else one_of(*option.choices) if option.choices else line
    default = Secret(option.default) if option.is_secret else option.default
    return Key(option.name, parse, option.help, default, is_secret=option.is_secret)


def _table(*declared: Key) -> Mapping[str, Key]:
    return {key.name: key for key in declared}


SITE_KEYS = _table(
    Key(
        "secret",
        app_secrets,
        f"a text of 32 bytes or more that seals cookies, of this app alone, from: {MAKE_SECRET}; several, newest "
        "first, with blanks between, to rotate",
        is_required=True,
        is_secret=True,
    ),
    Key(
        "base_url",
        base_url,
        "the app's public origin, with the path it is mounted under, if any: https://app.example",
        is_required=True,
    ),
    Key("prefix", url_prefix, "the path prefix of authkit's routes", "/auth"),
    Key(
        "vault_key",
        app_secrets,
        "seals stored tokens, like `authkit.secret`, which it is if not set; several to rotate",
        None,
        is_secret=True,
    ),
    Key("plugins", words, "the entry points that may be loaded; what is not listed is never imported", ()),
    Key("login_url", page_url, "the app's own login page: failures go there with ?error=<code>&ref=<id>"),
    Key("templates", existing_folder, "a folder whose pages come before authkit's own"),
    Key("ca_bundle", pem_file, "a PEM file of roots to trust instead of the usual ones"),
    Key(
        "max_waiting",
        number,
        "how many threads of a process wait on for a provider that answers nobody; fewer than it has",
        MAX_WAITING,
    ),
    Key(
        "proxy", proxy_url, "an outgoing proxy; the environment's proxy variables are not read", None, is_secret=True
    ),
)

REGISTRATION_KEYS = _table(
    Key("client_id", plain, "the client id; the provider's own word works too", is_required=True),
    Key("client_secret", secret, "the client secret", is_required=True, is_secret=True),
    Key("provider", plain, "the provider, when the registration's name is not the provider's"),
    Key("scope", words, "what to ask for; the provider's default if not set", ()),
    Key("required_scope", words, "what must be granted, or the login fails with scope_missing", ()),
    Key("redirect_uri", exact_url, "where the provider sends the browser back to, if not to authkit's callback"),
    Key("pkce", one_of("on", "off", "hex", "base64url"), "the PKCE challenge; `on` is the provider's own form", "on"),
    Key("prompt", plain, "how the provider shall ask at each login, such as consent"),
    Key("authorize_url", absolute_url, "another authorization endpoint, such as an emulator's"),
    Key("token_url", absolute_url, "another token endpoint"),
    Key("userinfo_url", absolute_url, "another user info endpoint"),
    Key("revoke_url", absolute_url, "another revocation endpoint"),
)

PART_KEYS: Mapping[str, Mapping[str, Key]] = {
    "accounts": _table(
        Key(
            "database",
            secret,
            "the database of accounts and tokens, as an SQLAlchemy URL",
            Secret("sqlite:///authkit.sqlite"),
            is_secret=True,
        ),
        Key("allow_registration", yes_or_no, "whether strangers get an account; otherwise account_denied", True),
        Key(
            "revoke",
            yes_or_no,
            "whether a token is revoked at the provider when its identity goes, or its login came to nothing",
            True,
        ),
        Key(
            "check_accounts",
            yes_or_no,
            "whether each request looks up if the account still is one; off saves a query, and a disabled account "
            "stays signed in until its cookie ends",
            True,
        ),
    ),
    "webhook": _table(
        Key("tolerance", seconds, "how old the signature of a provider's event may be, in seconds", 300),
        Key("accept_late", yes_or_no, "whether an older one is taken all the same, once, if it is new here", False),
    ),
    "native": _table(
        Key("keys", secret_text, "the keys that sign, as `authkit keys new` makes them", None, is_secret=True),
        Key("lifetime", seconds, "how long a JWT lives, in seconds", 3600),
        Key("refresh_lifetime", seconds, "how long a session lasts without being used, in seconds", 30 * 24 * 3600),
        Key("issuer", plain, "the `iss` of a JWT; `authkit.base_url` if not set"),
        Key("audience", plain, "the `aud` of a JWT; `authkit.base_url` if not set"),
        Key("check_accounts", yes_or_no, "whether each request looks up if the account is still in use", False),
        Key("accept_access_tokens", yes_or_no, "whether a bare token of the provider signs its owner in", False),
        Key("pseudo_email", yes_or_no, "whether a user without an address is given one that gets no mail", False),
        Key("cors_origins", origins, "the origins of web apps that may call the native endpoints", ()),
    ),
}
"""The settings of the optional parts, ``authkit.<part>.<key>``."""

MEMBER_KEYS: Mapping[str, Mapping[str, Key]] = {
    "native": _table(
        Key("link", plain, "the https link that opens the app, where the server's callback ends"),
        Key("redirect_uris", words, "the redirect URIs that the provider's SDK in the app may use", ()),
        Key("allow_private_scheme", yes_or_no, "whether the link may have a scheme that any app can claim", False),
        Key("link_carries", one_of("ticket", "access_token"), "what the link carries", "ticket"),
    ),
}
"""The settings of what a part has several of, ``authkit.<part>.<name>.<key>``: native apps."""
