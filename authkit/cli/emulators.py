"""`make_emulator`: the emulator of a provider by name; `app_settings`: what an app that uses it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from authkit.emulator import Configurable, OpenIDClient, OpenIDEmulator, StockClient, StockEmulator, read_records
from authkit.errors import ConfigError
from authkit.names import is_free
from authkit.oidc import OpenIDProvider
from authkit.plugins import Plugins, load_plugins
from authkit.provider import Emulator, OAuth2Provider

__all__ = ["Records", "app_settings", "make_emulator", "registration_name"]

Records: TypeAlias = Sequence[Mapping[str, Any]]


def make_emulator(
    provider: str, plugins: Plugins | None = None, *, apps: Records = (), users: Records = ()
) -> Emulator:
    """Return a fresh emulator of `provider`: its plugin's own, or else the stock one, or the one for OpenID Connect.

    Args:
        provider: the name of the provider.
        plugins: where to look; None for what is installed.
        apps: the apps that are registered, as JSON has them; empty for what the emulator has by itself.
        users: the accounts, likewise. At the stock emulator: what the user info endpoint answers.

    Raises:
        ConfigError: no plugin brings one, and no plugin supplies a provider of that name that has one without; or
            it cannot have these apps or users.
    """
    plugins = plugins or load_plugins()
    makers: dict[str, Callable[[], Emulator]] = dict(plugins.emulators())
    supplied = plugins.providers.get(provider)
    try:
        if provider in makers:
            return _make_own(provider, makers[provider], apps, users)
        if isinstance(supplied, OAuth2Provider):
            return _make_stock(supplied, apps, users)
        if isinstance(supplied, OpenIDProvider):
            return _make_issuer(supplied, apps, users)
    except ValueError as error:
        raise ConfigError(f"the emulator of {provider!r}: {error}") from None
    if supplied is not None:
        raise ConfigError(
            f"{provider!r} is no OAuth 2.0 code flow and no OpenID Connect, so its plugin has to bring an emulator"
        )
    emulated = [name for name, data in plugins.providers.items() if isinstance(data, OAuth2Provider | OpenIDProvider)]
    known = ", ".join(sorted({*makers, *emulated})) or "none; for TikTok: pip install authkit-tiktok"
    raise ConfigError(f"no plugin brings an emulator of {provider!r}; there are: {known}")


def _make_own(provider: str, maker: Callable[[], Emulator] | Configurable, apps: Records, users: Records) -> Emulator:
    if not apps and not users:
        return maker()
    if not isinstance(maker, Configurable):
        raise ConfigError(f"the emulator of {provider!r} takes neither apps nor users")
    return maker.configured(apps, users)


def _make_stock(provider: OAuth2Provider, apps: Records, users: Records) -> Emulator:
    if not apps:
        return StockEmulator(provider, users=users)
    return StockEmulator(provider, users=users, clients=read_records(StockClient, apps))


def _make_issuer(provider: OpenIDProvider, apps: Records, users: Records) -> Emulator:
    """Return an issuer at whatever origin it is asked at: that of the provider is somebody else's."""
    if not apps:
        return OpenIDEmulator(provider=provider.name, title=provider.title, users=users)
    clients = read_records(OpenIDClient, apps)
    return OpenIDEmulator(provider=provider.name, title=provider.title, users=users, clients=clients)


def registration_name(provider: str) -> str:
    """Return what a registration is called: as its provider, or ``idp`` if that is reserved (``oidc``)."""
    return provider if is_free(provider) else "idp"


def app_settings(emulator: Emulator, origin: str) -> Mapping[str, str]:
    """Return the settings of an app that signs people in at an emulator, which is at `origin`."""
    name, own = registration_name(emulator.provider), dict(emulator.settings(origin))
    if isinstance(emulator, OpenIDEmulator):
        own = {"title": emulator.workbench.title, **own}  # the host, which it would be otherwise, is 127.0.0.1
    if name != emulator.provider:
        own = {"provider": emulator.provider, **own}
    return {f"authkit.{name}.{key}": value for key, value in own.items()}
