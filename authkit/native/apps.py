"""Native apps: what an app on a phone is known by. All of it comes from the settings, nothing from a request."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from authkit.errors import ConfigError, InvalidRequest
from authkit.flow import AuthKit
from authkit.registration import Registration
from authkit.urls import check_url

__all__ = ["NativeApp", "asking_prompt", "find_app", "read_apps"]

logger = logging.getLogger(__name__)

PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
PRIVATE_REST = re.compile(r":/[!\"$-~]*")
ASKING = ("consent", "select_account", "login")
"""The prompts by which a provider asks the user something, also where it would not have to."""


@dataclass(frozen=True, slots=True)
class NativeApp:
    """An app on a phone.

    Attributes:
        name: its name in settings and requests.
        link: the link that opens it, where the server's callback sends the browser; "" if it only uses the SDK.
        redirect_uris: the redirect URIs that its SDK may have used.
        carries_access_token: whether the link carries the provider's token instead of a ticket.
    """

    name: str
    link: str
    redirect_uris: tuple[str, ...]
    carries_access_token: bool

    @property
    def has_private_link(self) -> bool:
        """Whether the link has a scheme of the app's own, which any app can claim (RFC 8252, section 8.6)."""
        return self.link != "" and not self.link.startswith("https://")

    def link_with(self, **params: str) -> str:
        """Return the link with `params` added to whatever query it has."""
        return f"{self.link}{'&' if '?' in self.link else '?'}{urlencode(params)}"


def read_apps(kit: AuthKit) -> Mapping[str, NativeApp]:
    """Return the apps that the settings name.

    Raises:
        ConfigError: a link or a redirect URI is none that an app may have; or any app can claim the link, and no
            provider can be made to ask the user.
    """
    web = {registration.redirect_uri for registration in kit.registrations.values()}
    web |= {callback_of(kit, name) for name in kit.registrations}
    apps = {name: _app(name, values, web) for name, values in kit.parts["native"]["members"].items()}
    for app in apps.values():
        if app.has_private_link:
            _check_providers(app, kit)
        if app.carries_access_token:
            logger.warning(
                "authkit.native.%s.link_carries = access_token: the link shows the provider's token to whatever sees "
                "the link, such as logs, history and other apps; a ticket is of no use to them",
                app.name,
            )
    return MappingProxyType(apps)


def asking_prompt(registration: Registration) -> str | None:
    """Return the prompt by which the user sees a login, whoever began it; None if the provider has none."""
    return next((prompt for prompt in ASKING if prompt in registration.prompts), None)


def callback_of(kit: AuthKit, registration: str) -> str:
    """Return where the provider sends the system browser back to, when an app began the login."""
    return kit.site.url(f"/{registration}/native/callback")


def find_app(apps: Mapping[str, NativeApp], name: str) -> NativeApp:
    """Return an app by the name in a request.

    Raises:
        InvalidRequest: there is no such app, or it has no link.
    """
    app = apps.get(name)
    if app is None or not app.link:
        raise InvalidRequest("no native app with a link has this name")
    return app


def _app(name: str, values: Mapping[str, Any], web: set[str]) -> NativeApp:
    prefix = f"authkit.native.{name}."
    link = values["link"]
    if link:
        _check_uri(f"{prefix}link", link, may_be_private=values["allow_private_scheme"])
    for uri in values["redirect_uris"]:
        _check_uri(f"{prefix}redirect_uris", uri, may_be_private=True)
        if uri in web:
            # TikTok ignores PKCE for web apps: a code that was issued to the browser could be handed in here.
            raise ConfigError(f"{prefix}redirect_uris has {uri!r}, which is a redirect URI of the web login")
    return NativeApp(name, link, values["redirect_uris"], values["link_carries"] == "access_token")


def _check_providers(app: NativeApp, kit: AuthKit) -> None:
    """Say where a link that any app can claim is of no use: another app could sign in with nobody seeing it."""
    silent = [name for name, registration in kit.registrations.items() if asking_prompt(registration) is None]
    if len(silent) == len(kit.registrations):
        raise ConfigError(
            f"authkit.native.{app.name}.link: any app can claim its scheme, and none of the providers can be made to "
            "ask the user; use an https link that the app owns"
        )
    if silent:
        logger.warning(
            "authkit.native.%s.link: any app can claim its scheme, so it cannot sign in with %s, which cannot be made"
            " to ask the user",
            app.name,
            ", ".join(silent),
        )


def _check_uri(key: str, uri: str, *, may_be_private: bool) -> None:
    scheme = uri.partition(":")[0].lower()
    if scheme == "https":
        _check_https(key, uri)
        return
    if not PRIVATE_SCHEME.fullmatch(scheme) or not PRIVATE_REST.fullmatch(uri, len(scheme)):
        raise ConfigError(f"{key}: {uri[:80]!r} is neither https nor a scheme such as com.example.app:/signed-in")
    if not may_be_private:
        raise ConfigError(
            f"{key}: any app can claim the scheme of {uri[:80]!r}; use an https link that the app owns, or set "
            f"{key.rpartition('.')[0]}.allow_private_scheme = true"
        )


def _check_https(key: str, uri: str) -> None:
    try:
        check_url(uri)
    except ValueError as exc:
        problem = ConfigError(f"{key}: {uri[:80]!r} {exc}")
    else:
        return
    raise problem
