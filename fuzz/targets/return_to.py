"""Return-to: whatever is accepted stays on our own origin as a browser reads it, to the last redirect."""

from __future__ import annotations

import re

from ada_url import URL

from authkit.adapters import return_to
from authkit.errors import InvalidRequest
from authkit.pyramid.answers import redirect
from authkit.site import Site
from authkit.transactions import local_path
from fuzz.verdict import read_or_refused

SEEDS = (
    b"/inbox?a=1#b",
    b"/caf\xc3\xa9 \xe2\x80\xa8",
    b"/.//evil.example",
    b"/%09/evil.example",
    b"/;@evil.example:x",
    b"/\\evil.example",
    b"/\t/evil.example",
    b"//evil.example",
)
SITES = (
    Site("https://app.example"),
    Site("https://app.example:8443/shop"),
    Site("http://localhost:6543/a.b/~c"),
    Site("http://[::1]:80"),
)
ASKING = ("/auth/acme/callback", "/auth/", "/", "/x/../y?z")
"""Pages on which a browser may be when it reads the address."""


def read(data: bytes) -> str | None:
    """Return the local path that `data`, in UTF-8, is; None if it is none."""
    return local_path(data.decode("utf-8", "surrogateescape"), "") or None


def target(data: bytes) -> None:
    """Follow what is read to where the browser ends; the adapters' reader of a query has to agree."""
    path, text = read(data), data.decode("utf-8", "surrogateescape")
    assert path is None or not re.search(r"[\x00-\x1f\x7f\\]", text)
    asked = read_or_refused(lambda: return_to(f"return_to={data.decode('latin-1')}"), InvalidRequest)
    for found in {path, asked} - {None}:
        _check_path(found)
        for site in SITES:
            _check_ends_at(site, found)
    for site in SITES:
        assert local_path(text, site.home) == (path or site.home)


def _check_path(path: str) -> None:
    assert path.isascii()
    assert path.isprintable()
    assert len(path) <= 512
    assert local_path(path) == path


def _check_ends_at(site: Site, path: str) -> None:
    """Check where a redirect to `path` ends: the header that a server sends, and what a browser makes of it."""
    final = site.local_url(path)
    sent = _location(final)
    assert sent == final
    there = URL(sent)
    assert there.origin == URL(site.base_url).origin
    assert (there.username, there.password) == ("", "")
    for page in ASKING:
        assert URL(path, base=site.origin + page).href == there.href


def _location(url: str) -> str:
    """Return the ``Location`` that WebOb sends; a forged Host changes nothing about it."""
    found: list[tuple[str, str]] = []
    environ = {"REQUEST_METHOD": "GET", "HTTP_HOST": "evil.example", "wsgi.url_scheme": "https", "SCRIPT_NAME": "/x"}
    redirect(url)({**environ, "PATH_INFO": "/"}, lambda _, headers: found.extend(headers))
    [location] = [value for name, value in found if name == "Location"]
    return location
