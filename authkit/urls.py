"""URLs as authkit judges them: what is allowed, never what is forbidden."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

__all__ = ["as_https", "check_url", "is_loopback", "origin_of"]

DEFAULT_PORTS = {"https": 443, "http": 80}
PRINTABLE = re.compile(r"[!-\[\]-~]*")
"""What is printable in ASCII, but for the backslash, which browsers take for a slash."""
HOST_AND_PORT = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.ASCII | re.IGNORECASE)


def as_https(url: str) -> str:
    """Return `url` with the scheme that oauthlib insists on; the transport knows which loopback ones are http."""
    return "https://" + url.split("://", 1)[1]


def origin_of(url: str) -> str:
    """Return scheme, host and port of `url` as one text, a default port left out (RFC 6454, section 6.2)."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def is_loopback(url: str) -> bool:
    """Whether the host of `url` is this machine (RFC 8252, section 8.3)."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> SplitResult:
    """Return the parts of an absolute URL that is https, or http on a loopback host.

    Raises:
        ValueError: it is not, or has a user, a fragment, a blank, or a character beyond printable ASCII.
    """
    if not PRINTABLE.fullmatch(url):
        raise ValueError("has a blank, a backslash, or a character that no URL has")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not url.startswith(f"{parts.scheme}://"):
        raise ValueError("is no absolute URL; write it as https://host/path")
    if not HOST_AND_PORT.fullmatch(parts.netloc.rpartition("@")[2]):
        raise ValueError("has a host or a port that no URL has")
    if _is_odd_address(parts.hostname):
        raise ValueError("has an IP address that browsers write in another way")
    if parts.username is not None or "#" in url or parts.port == 0:
        raise ValueError("has a user, a fragment or a port that it must not have")
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError("is http; write https, which may be missing on a loopback host only")
    return parts


def _is_odd_address(host: str) -> bool:
    """Whether `host` is an IP address in another form than its usual one, such as ``127.1`` or ``0x7f.0.0.1``.

    A browser takes such for the usual form, which names another origin to everybody who compares texts.
    """
    if ":" not in host and not re.fullmatch(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?", host):
        return False
    try:
        return str(ip_address(host)) != host
    except ValueError:
        return True
