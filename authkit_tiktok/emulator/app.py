"""`App`: an app as it is registered at TikTok."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from authkit.emulator import Rule
from authkit_tiktok.emulator.redirects import MOST_REDIRECT_URIS, Platform, broken_rule, matches, registration_rule
from authkit_tiktok.emulator.rulebook import REDIRECT_URI

__all__ = ["EXAMPLE_APP", "App", "Status"]

Status = Literal["live", "draft", "sandbox"]
MOST_TARGET_USERS = 10


@dataclass(frozen=True, slots=True)
class App:
    """An app at TikTok.

    Attributes:
        client_key: what TikTok calls the client id.
        client_secret: goes into the body of token calls.
        scopes: what TikTok's review has approved; every app with Login Kit has ``user.info.basic``.
        redirect_uris: what is registered, at most ten, compared byte by byte; a desktop app may have ``*`` for the
            port. Empty means: any that TikTok would register for the platform, or a loopback one, since you
            develop.
        platform: ``web`` ignores PKCE ("Login Kit overview"); ``desktop`` demands it and redirects to this machine
            only ("Login Kit for Desktop"); ``mobile`` demands it without the method, which both SDKs omit;
            ``web-strict`` redirects as web does and demands PKCE, as some web apps have met since October 2024.
        name: what the consent page calls the app.
        status: ``live``; ``draft``, which logs nobody in; or ``sandbox``, which logs in target users only.
        target_users: the usernames of those whom a sandbox logs in, at most ten ("Add a Sandbox").
        developer: who has the app; a user has one union id for all apps of a developer.
        certificate: the fingerprint that an Android app has to send, "" for any.
        has_login_kit: whether the product Login Kit was added.
        webhook_url: where the app is told of events, "" for nowhere. TikTok takes https only, the emulator http too.

    Raises:
        ValueError: TikTok would not register one of the redirect URIs, there are too many of something, or the
            webhook URL is not absolute; or there is no such platform or status.
    """

    client_key: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("user.info.basic",)
    redirect_uris: tuple[str, ...] = ()
    platform: Platform = "web"
    name: str = "Example app"
    status: Status = "live"
    target_users: tuple[str, ...] = ()
    developer: str = "Example developer"
    certificate: str = ""
    has_login_kit: bool = True
    webhook_url: str = ""

    def __post_init__(self) -> None:
        if self.platform not in get_args(Platform) or self.status not in get_args(Status):
            raise ValueError(f"there is no platform {self.platform!r}, or no status {self.status!r}")
        for uri in self.redirect_uris:
            if broken := registration_rule(uri, self.platform):
                raise ValueError(
                    f"TikTok would not register the redirect URI {uri!r} for a {self.platform} app: {broken.text}"
                )
        if len(self.redirect_uris) > MOST_REDIRECT_URIS or len(self.target_users) > MOST_TARGET_USERS:
            raise ValueError("TikTok takes at most ten redirect URIs, and at most ten target users")
        if self.webhook_url and not re.fullmatch("https?://[!-~]+", self.webhook_url):
            raise ValueError(f"{self.webhook_url!r} is not an absolute http or https address")

    def broken_by(self, redirect_uri: str, platform: Platform) -> Rule | None:
        """Return the rule that keeps a login from ending at `redirect_uri`, None when it may end there.

        Args:
            redirect_uri: what the authorization request has.
            platform: what the app is taken for.
        """
        if not self.redirect_uris:
            return broken_rule(redirect_uri, platform, loopback=True)
        if any(matches(uri, redirect_uri, platform) for uri in self.redirect_uris):
            return None
        return broken_rule(redirect_uri, platform) or REDIRECT_URI

    def admits(self, username: str) -> bool:
        """Return whether the user may log in to this app at all."""
        return self.status != "sandbox" or username in self.target_users


EXAMPLE_APP = App(
    client_key="sbawemulator0001",
    client_secret="emulated-secret-worth-nothing",
    scopes=("user.info.basic", "user.info.profile", "user.info.stats", "video.list"),
)
"""The app that an emulator has unless it is given others. Its key and secret are public and worthless."""
