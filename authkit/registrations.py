"""From settings to registrations, each checked against its provider's rules; and the clients that speak for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authkit import pkce
from authkit.errors import ConfigError
from authkit.inspection import place_of
from authkit.keys import REGISTRATION_KEYS, Key, option_key
from authkit.models import SUBJECT_LENGTH, Secret
from authkit.names import check_name, close_to
from authkit.plugins import Plugins
from authkit.provider import AnyProvider, Configurable, OAuth2Provider
from authkit.providerclient import ProviderClient
from authkit.registration import Registration
from authkit.site import Site
from authkit.sources import parse_values
from authkit.urls import is_loopback

if TYPE_CHECKING:
    from authkit.transport import Transport

__all__ = ["make_client", "make_registrations", "plain_origins", "provider_of"]

ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")
OTHER_KEYS: Mapping[str, Key] = {name: key for name, key in REGISTRATION_KEYS.items() if name != "client_id"}
MAX_SCOPE_AND_URI = 1500
CHALLENGES: Mapping[str, Callable[[str], str] | None] = {"hex": pkce.s256_hex, "base64url": pkce.s256, "off": None}


def make_registrations(
    given: Mapping[str, Mapping[str, str]], site: Site, plugins: Plugins
) -> Mapping[str, Registration]:
    """Return the registrations that the settings describe, by name.

    Raises:
        ConfigError: a setting is missing, unknown or malformed, or two registrations have one redirect URI.
    """
    registrations = {name: _registration(name, its, site, plugins) for name, its in given.items()}
    _check_redirect_uris_differ(registrations)
    return registrations


def _registration(name: str, given: Mapping[str, str], site: Site, plugins: Plugins) -> Registration:
    """Return one registration, checked against its provider's rules."""
    check_name(name, "registration")
    prefix = f"authkit.{name}."
    provider = provider_of(given.get("provider", name), name, plugins)
    options, client_id = _option_keys(provider, name), _client_id_key(provider, given, prefix)
    declared = {client_id.name: client_id, **OTHER_KEYS, **options}
    if unknown := [key for key in given if key.removesuffix("_file") not in (*declared, "client_id")]:
        raise ConfigError(f"{prefix}{unknown[0]} is no setting of {provider.title}")
    if not getattr(provider, "is_secret_required", True):
        declared["client_secret"] = replace(declared["client_secret"], is_required=False, default=Secret(""))
    values = parse_values(declared, given, prefix)
    own = MappingProxyType({option: values[option] for option in options})
    registration = Registration(
        name=name,
        provider=_configured(_with_own_endpoints(provider, values, prefix), own, prefix),
        client_id=values[client_id.name],
        client_secret=values["client_secret"],
        scope=values["scope"] or provider.default_scope,
        required_scope=values["required_scope"],
        redirect_uri=values["redirect_uri"] or site.url(f"/{name}/callback"),
        prompt=values["prompt"] or None,
        options=own,
    )
    _check(registration, prefix)
    return registration


def provider_of(wanted: str, registration: str, plugins: Plugins) -> AnyProvider:
    """Return the provider that a registration wants.

    Raises:
        ConfigError: no usable plugin supplies it; the reason says what is installed, and what could not be loaded.
    """
    if wanted in plugins.providers:
        return plugins.providers[wanted]
    close = close_to(wanted, plugins.providers)
    advice = f"did you mean {close!r}?" if close else f"installed are: {', '.join(plugins.providers) or 'none'}"
    if wanted == registration and plugins.providers:
        advice += f" (if {wanted!r} is a name of your own, set authkit.{registration}.provider)"
    broken = [f"{info.name!r} of {info.distribution} ({info.problem})" for info in plugins.infos if info.problem]
    if broken:
        advice += f"; these plugins could not be loaded: {', '.join(broken)}"
    if plugins.left_out:
        advice += f"; authkit.plugins leaves out: {', '.join(plugins.left_out)}"
    raise ConfigError(f"authkit.{registration}: no plugin supplies a provider {wanted!r}; {advice}")


def _option_keys(provider: AnyProvider, name: str) -> Mapping[str, Key]:
    """Return the keys of the provider's own options."""
    options = {option.name: option_key(option) for option in getattr(provider, "options", ())}
    if ours := sorted(REGISTRATION_KEYS.keys() & options):
        raise ConfigError(f"authkit.{name}: {provider.title} has options of authkit's own names: {', '.join(ours)}")
    return options


def _client_id_key(provider: AnyProvider, given: Mapping[str, str], prefix: str) -> Key:
    """Return the key of the client id, under the provider's own word for it, or under ours if only that is set."""
    ours = REGISTRATION_KEYS["client_id"]
    word = getattr(provider, "client_id_param", ours.name)
    if word == ours.name or (word not in given and ours.name in given):
        return ours
    if word in given and given.get(ours.name, given[word]) != given[word]:
        raise ConfigError(f"{prefix}{ours.name} and {prefix}{word} are the same setting and differ; keep one")
    return replace(ours, name=word, help=f"what {provider.title} calls the client id")


def _with_own_endpoints(provider: AnyProvider, values: Mapping[str, Any], prefix: str) -> AnyProvider:
    """Return the provider with the endpoints and the PKCE form that the registration sets."""
    changes = {name: values[name] for name in ENDPOINTS if values[name]}
    if values["pkce"] != "on":
        changes["code_challenge"] = CHALLENGES[values["pkce"]]
    if not changes:
        return provider
    if not isinstance(provider, OAuth2Provider):
        key = "pkce" if "code_challenge" in changes else min(changes)
        raise ConfigError(f"{prefix}{key} cannot be set: {provider.title} has no such thing in its data")
    return replace(provider, **changes)


def _configured(provider: AnyProvider, options: Mapping[str, Any], prefix: str) -> AnyProvider:
    """Return what a registration's options make of a provider."""
    if not isinstance(provider, Configurable):
        return provider
    try:
        return provider.configured(options)
    except ValueError as exc:
        problem = ConfigError(f"{prefix}{exc}")
    raise problem


def _check(registration: Registration, prefix: str) -> None:
    """Check what takes more than one setting to judge."""
    if extra := [scope for scope in registration.required_scope if scope not in registration.scope]:
        raise ConfigError(f"{prefix}required_scope has {' '.join(extra)!r}, which {prefix}scope does not ask for")
    provider = registration.provider
    if len(registration.client_id) > SUBJECT_LENGTH:
        raise ConfigError(f"{prefix}client_id is longer than {SUBJECT_LENGTH} characters: paste it again")
    if registration.prompt is not None and registration.prompt not in registration.prompts:
        raise ConfigError(f"{prefix}prompt: must be one of: {', '.join(registration.prompts) or '(none)'}")
    if lacking := [scope for scope in registration.basic_scope if scope not in registration.scope]:
        raise ConfigError(
            f"{prefix}scope lacks {' '.join(lacking)}; add it, {provider.title} gives no profile without"
        )
    if sum(map(len, registration.scope)) + len(registration.redirect_uri) > MAX_SCOPE_AND_URI:
        raise ConfigError(f"{prefix}scope and {prefix}redirect_uri are too long for the cookie of a login")
    if not isinstance(provider, OAuth2Provider):
        return
    if is_loopback(provider.authorize_url) and is_loopback(registration.redirect_uri):
        return  # an emulator and an app on one machine: nothing that the provider would have to register
    try:
        provider.check_redirect_uri(registration.redirect_uri, registration.options)
    except ValueError as exc:
        problem = ConfigError(f"{prefix}redirect_uri: {registration.redirect_uri[:80]!r}: {exc}")
    else:
        return
    raise problem


def _check_redirect_uris_differ(registrations: Mapping[str, Registration]) -> None:
    """Refuse two registrations with one redirect URI: it tells the servers apart (RFC 9700, section 4.4.2)."""
    owners: dict[str, str] = {}
    for name, registration in registrations.items():
        other = owners.setdefault(registration.redirect_uri, name)
        if other != name:
            raise ConfigError(f"authkit.{other}.redirect_uri and authkit.{name}.redirect_uri must differ")


def plain_origins(registrations: Mapping[str, Registration]) -> set[str]:
    """Return the loopback origins that the settings allow to be spoken to over http."""
    providers = [registration.provider for registration in registrations.values()]
    # Only the browser goes to the authorization endpoint.
    names = ("token_url", "userinfo_url", "revoke_url", "issuer")
    urls: list[str] = [getattr(provider, name, "") for provider in providers for name in names]
    return {f"http://{urlsplit(url).netloc}" for url in urls if url.startswith("http:")}


def make_client(registration: Registration, transport: Transport, clock: Callable[[], float]) -> ProviderClient:
    """Return what speaks to the provider of a registration.

    Raises:
        ConfigError: the provider cannot speak for a client like this one.
    """
    provider, client_id, secret = registration.provider, registration.client_id, registration.client_secret
    if isinstance(provider, OAuth2Provider):
        from authkit.oauth2 import OAuth2Client  # requests, oauthlib and all below them: only a login needs it

        return OAuth2Client(provider, client_id, secret, transport, clock)
    try:
        return provider.client(client_id, secret, transport)
    except (ConfigError, ImportError):
        raise
    except ValueError as exc:
        problem = ConfigError(f"authkit.{registration.name}.{exc}")
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - a plugin's own code; what it says may hold the secret that it was given
        said = f"the plugin's client function raised {type(exc).__name__}{place_of(exc)}"
        problem = ConfigError(f"authkit.{registration.name}: {said}")
    raise problem
