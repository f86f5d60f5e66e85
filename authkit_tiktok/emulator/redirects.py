"""Redirect URIs: which ones TikTok registers for a platform, and what a registered one matches."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from authkit.emulator import Rule
from authkit_tiktok.emulator.rulebook import DESKTOP_REDIRECT, REDIRECT_URI, T24, T25

__all__ = ["MOST_REDIRECT_URIS", "Platform", "broken_rule", "matches", "registration_rule"]

Platform = Literal["web", "desktop", "mobile", "web-strict"]

MOST_REDIRECT_URIS = 10
LONGEST = 511
ANY_PORT = re.compile(r"^(https?://[^/]+):\*(/.*)")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def matches(registered: str, uri: str, platform: Platform) -> bool:
    """Return whether `uri` is the `registered` one, byte by byte; a desktop app may have ``*`` for the port."""
    wildcard = ANY_PORT.fullmatch(registered) if platform == "desktop" else None
    if wildcard is None:
        return uri == registered
    origin, path = wildcard.groups()
    port = uri[len(origin) + 1 : len(uri) - len(path)]
    is_port = re.fullmatch("[0-9]{1,5}", port) is not None and 0 < int(port) < 65536
    return is_port and uri == f"{origin}:{port}{path}"


def registration_rule(registered: str, platform: Platform) -> Rule | None:
    """Return the rule that keeps TikTok from registering this, where a desktop app may have ``*`` for the port."""
    concrete = ANY_PORT.sub(r"\1:1\2", registered) if platform == "desktop" else registered
    return broken_rule(concrete, platform)


def broken_rule(uri: str, platform: Platform, *, loopback: bool = False) -> Rule | None:
    """Return the rule that keeps TikTok from registering `uri`, None when there is none.

    "Login Kit for Web" has the rules for web apps, "Login Kit for Desktop" those for desktop apps; the links of
    mobile apps are https addresses at a host of their own, or have a scheme of their own ("Register your app").

    Args:
        uri: the redirect URI, with a port in numbers.
        platform: what kind of app it is.
        loopback: whether to let every platform have addresses on this machine.
    """
    if len(uri) > LONGEST or "?" in uri or "#" in uri:
        return T24
    parts = _split(uri)
    if parts is None:
        return REDIRECT_URI
    if parts.hostname in LOOPBACK and (loopback or platform == "desktop"):
        return None if _is_loopback_address(parts, any_port=platform != "desktop") else DESKTOP_REDIRECT
    if platform == "desktop":
        return DESKTOP_REDIRECT
    if platform == "mobile" and parts.scheme not in {"http", "https"}:
        return None
    return None if parts.scheme == "https" and _is_public(parts.hostname or "") else T25


def _split(uri: str) -> SplitResult | None:
    """Return the parts of an absolute address; None for one that servers and browsers may read differently."""
    if re.search(r"[^!-~]|[\\@]", uri):
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None
    return parts if parts.scheme and parts.netloc and port != 0 else None


def _is_loopback_address(parts: SplitResult, *, any_port: bool) -> bool:
    """Return whether a desktop app may have it; a bare origin is seen to be refused."""
    has_port = any_port or (parts.port is not None and parts.hostname != "::1")
    return parts.scheme in {"http", "https"} and parts.path != "" and has_port


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith(".localhost")
