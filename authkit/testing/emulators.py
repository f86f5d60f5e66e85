"""`emulator_for`: an emulator that knows the client of a registration."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from authkit.emulator import Configurable, Drivable, OpenIDClient, OpenIDEmulator, StockClient, StockEmulator
from authkit.errors import ConfigError
from authkit.models import Secret
from authkit.oidc import OpenIDProvider
from authkit.plugins import Plugins
from authkit.provider import Emulator, OAuth2Provider
from authkit.registration import Registration

__all__ = ["emulator_for"]


def emulator_for(registration: Registration, plugins: Plugins) -> Drivable:
    """Return a fresh emulator of a registration's provider, at which the registration's client is registered.

    It is the one that the provider's plugin brings; else the stock one, or the one for OpenID Connect.

    Raises:
        ConfigError: there is none, it does not take the client, or a test cannot drive it; the reason says why.
    """
    provider = registration.provider
    maker = plugins.emulators().get(provider.name)
    problem = (
        f"{provider.title} is no OAuth 2.0 code flow and no OpenID Connect, so its plugin has to bring an emulator"
    )
    try:
        if isinstance(provider, OpenIDProvider) and maker in (None, OpenIDEmulator):
            return _openid(provider, registration)
        if maker is not None:
            return _checked(_own(maker, registration))
        if isinstance(provider, OAuth2Provider):
            return StockEmulator(provider, clients=[StockClient(registration.client_id, _secret(registration))])
    except ValueError as exc:
        problem = str(exc)
    raise ConfigError(f"authkit.{registration.name} cannot be emulated: {problem}")


def _secret(registration: Registration) -> str:
    return registration.client_secret.reveal()


def _own(maker: Callable[[], Emulator], registration: Registration) -> Emulator:
    """Return the plugin's emulator, with the client's id and secret, what it may ask for, and its odd options."""
    emulator, provider = maker(), registration.provider
    id_name = getattr(provider, "client_id_param", "client_id")
    client: dict[str, Any] = {id_name: registration.client_id, "client_secret": _secret(registration)}
    if client.items() <= emulator.settings("").items():
        return emulator
    if not isinstance(maker, Configurable):
        raise ValueError(  # noqa: TRY004 - the plugin's emulator is not wrong, it is only limited
            f"its emulator knows no other client than that of its settings(): set authkit.{registration.name}."
            f"{id_name} and .client_secret to that in tests, or give it `configured` (authkit.emulator.Configurable)"
        )
    usual = {option.name: option.default for option in getattr(provider, "options", ())}
    odd = {name: value for name, value in registration.options.items() if value != usual.get(name)}
    scopes = dict.fromkeys((*registration.scope, *emulator.scopes))
    return maker.configured([{**client, **odd, "scopes": list(scopes)}], [])


def _checked(emulator: Emulator) -> Drivable:
    # Not `isinstance`: since Python 3.12 that does not see what an emulator passes on by `__getattr__`.
    lacking = [name for name in ("workbench", "approve", "deny", "enrol") if not hasattr(emulator, name)]
    if not lacking:
        return cast("Drivable", emulator)
    raise ValueError(f"no test can drive its emulator, which lacks {', '.join(lacking)} (authkit.emulator.Drivable)")


def _openid(provider: OpenIDProvider, registration: Registration) -> OpenIDEmulator:
    jwks = _public_keys(provider.private_key) if provider.private_key else ""
    client = OpenIDClient(registration.client_id, _secret(registration), jwks=jwks)
    return OpenIDEmulator(provider.issuer, provider=provider.name, clients=[client])


def _public_keys(private_key: Secret) -> str:
    """Return the key set that a client with this key registers (RFC 7517)."""
    from authkit.oidc.assertion import read_private_key

    private = read_private_key(private_key)
    return json.dumps({"keys": [{**private.key.as_dict(private=False), "kid": private.kid}]})
