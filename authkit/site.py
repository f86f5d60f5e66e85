"""Where the app lives. Every absolute URL that authkit makes is built from here, never from a request."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from authkit.urls import origin_of

__all__ = ["Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """The app's public address.

    Attributes:
        base_url: the app's public origin, with the path it is mounted under, if any; no slash at the end.
        prefix: the path prefix of authkit's routes, such as ``/auth``.
        login_url: the app's own login page, absolute; "" when authkit shows its own pages.
        templates: a folder whose pages come before authkit's own; "" when there is none.
    """

    base_url: str
    prefix: str = "/auth"
    login_url: str = ""
    templates: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a browser sends as ``Origin``."""
        return origin_of(self.base_url)

    @property
    def is_secure(self) -> bool:
        """Whether the app is served over https; without it only on a loopback host."""
        return self.base_url.startswith("https://")

    @property
    def home(self) -> str:
        """The local path of the app's start page."""
        return urlsplit(self.base_url).path + "/"

    def url(self, path: str, **query: str) -> str:
        """Return the absolute URL of a route of authkit: `path` is what stands behind the prefix."""
        return f"{self.base_url}{self.prefix}{path}" + (f"?{urlencode(query)}" if query else "")

    def start_path(self, registration: str, return_to: str | None = None) -> str:
        """Return the local path that starts a login with `registration`."""
        query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
        return f"{urlsplit(self.base_url).path}{self.prefix}/{registration}{query}"

    def local_url(self, path: str) -> str:
        """Return the absolute URL of `path`, a local path that `local_path` has passed."""
        return self.origin + path

    def failure_url(self, code: str, ref: str) -> str:
        """Return the app's own login page, told what went wrong."""
        separator = "&" if "?" in self.login_url else "?"
        return f"{self.login_url}{separator}{urlencode({'error': code, 'ref': ref})}"
