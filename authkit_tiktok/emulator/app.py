"""`App`: an app as it is registered at TikTok, and which redirect URIs TikTok would let it have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

__all__ = ["EXAMPLE_APP", "App"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class App:
    """An app at TikTok.

    Attributes:
        client_key: what TikTok calls the client id.
        client_secret: goes into the body of token calls.
        scopes: what TikTok's review has approved; every app with Login Kit has ``user.info.basic``.
        redirect_uris: what is registered, compared byte by byte; a desktop app may have ``*`` for the port. Empty
            means: any that TikTok would register for this platform, or a loopback one, since you develop.
        platform: ``web`` ignores PKCE ("Login Kit overview"), ``desktop`` demands it and redirects to loopback
            only ("Login Kit for Desktop"), ``web-strict`` redirects as web does and demands PKCE, which some web
            apps have met since October 2024.
        name: what the consent page calls the app.

    Raises:
        ValueError: TikTok would not register one of the redirect URIs.
    """

    client_key: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("user.info.basic",)
    redirect_uris: tuple[str, ...] = ()
    platform: Literal["web", "desktop", "web-strict"] = "web"
    name: str = "Example app"

    def __post_init__(self) -> None:
        for uri in self.redirect_uris:
            concrete = uri.replace(":*/", ":1/", 1) if self.platform == "desktop" else uri
            if not self._can_register(concrete):
                raise ValueError(f"TikTok would not register the redirect URI {uri!r} for a {self.platform} app")

    @property
    def has_pkce(self) -> bool:
        """Whether a challenge is demanded, and the verifier checked."""
        return self.platform != "web"

    def accepts(self, redirect_uri: str) -> bool:
        """Whether a login may end at `redirect_uri`."""
        if not self.redirect_uris:
            return self._can_register(redirect_uri)
        return any(re.fullmatch(self._pattern(uri), redirect_uri) for uri in self.redirect_uris)

    def _pattern(self, registered: str) -> str:
        escaped = re.escape(registered)
        return escaped.replace(r":\*/", r":[0-9]{1,5}/", 1) if self.platform == "desktop" else escaped

    def _can_register(self, uri: str) -> bool:
        """Whether TikTok would register `uri` ("Login Kit for Web", "Login Kit for Desktop"), or it is loopback.

        Absolute, static, without query and fragment, fewer than 512 characters; a bare origin is refused on
        loopback.
        """
        if len(uri) >= 512 or re.search(r"[^!-~]|[?#\\@]", uri):
            return False
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return False
        if port == 0:
            return False
        if host in LOOPBACK:
            return parts.scheme in {"http", "https"} and parts.path != ""
        return self.platform != "desktop" and parts.scheme == "https" and _is_public(host)


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".")


EXAMPLE_APP = App(
    client_key="sbawemulator0001",
    client_secret="emulated-secret-worth-nothing",
    scopes=("user.info.basic", "user.info.profile", "user.info.stats", "video.list"),
)
"""The app that an emulator has unless it is given others. Its key and secret are public and worthless."""
