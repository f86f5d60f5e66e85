"""From settings to a kit: every value is read once at start-up, checked, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from requests.adapters import BaseAdapter

from authkit import pkce
from authkit.errors import ConfigError
from authkit.flow import AuthKit
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS, Key, option_key, words
from authkit.models import Secret
from authkit.oauth2 import OAuth2Client
from authkit.plugins import Plugins, check_name, is_free, load_plugins
from authkit.provider import AnyProvider, OAuth2Provider, ProviderClient
from authkit.registration import Registration
from authkit.seal import Sealer
from authkit.site import Site
from authkit.sources import Declared, Given, collect, read_file, setting_text
from authkit.transactions import ClaimStore, MemoryClaims, Transactions
from authkit.transport import Transport
from authkit.urls import is_loopback

__all__ = ["Configuration", "allowed_plugins", "build", "read_settings"]

ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")
MAX_SCOPE_AND_URI = 1500
CHALLENGES: Mapping[str, Callable[[str], str] | None] = {"hex": pkce.s256_hex, "base64url": pkce.s256, "off": None}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the settings say, checked."""

    site: Site
    registrations: Mapping[str, Registration]
    secrets: tuple[Secret, ...] = field(repr=False)
    vault_secrets: tuple[Secret, ...] = field(repr=False)
    parts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    ca_bundle: str | None
    proxy: Secret | None


def build(
    mapping: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    transport: BaseAdapter | None,
    clock: Callable[[], float],
    random: Callable[[int], bytes],
    plugins: Plugins | None,
    claims: ClaimStore | None,
) -> AuthKit:
    """Build the kit. See `AuthKit.from_settings`."""
    plugins = plugins or load_plugins(allowed_plugins(mapping, environ))
    configuration = read_settings(mapping, environ, plugins)
    registrations = configuration.registrations
    wire = Transport(
        transport,
        plain_origins=_plain_origins(registrations),
        ca_bundle=configuration.ca_bundle,
        proxy=configuration.proxy.reveal() if configuration.proxy else None,
    )
    transactions = Transactions(
        Sealer(configuration.secrets, "transaction", random),
        MemoryClaims(clock) if claims is None else claims,
        clock=clock,
        random=random,
        secure=configuration.site.is_secure,
    )
    return AuthKit(
        site=configuration.site,
        registrations=registrations,
        plugins=plugins,
        transactions=transactions,
        clients=MappingProxyType({name: _client(known, wire, clock) for name, known in registrations.items()}),
        secrets=configuration.secrets,
        vault_secrets=configuration.vault_secrets,
        parts=configuration.parts,
        clock=clock,
        random=random,
    )


def read_settings(mapping: Mapping[str, object], environ: Mapping[str, str], plugins: Plugins) -> Configuration:
    """Read and check every setting.

    Raises:
        ConfigError: one is missing, unknown or malformed, or two plugins claim one provider.
    """
    if plugins.conflicts:
        raise ConfigError("; ".join(plugins.conflicts))
    _check_providers(mapping, environ, plugins)
    providers = [provider for provider in plugins.providers.values() if isinstance(provider, OAuth2Provider)]
    client_id_words = {provider.client_id_param for provider in providers}
    added = dict.fromkeys(client_id_words, REGISTRATION_KEYS["client_id"])
    added.update({option.name: option_key(option) for provider in providers for option in provider.options})
    declared = Declared(SITE_KEYS, PART_KEYS, MEMBER_KEYS, {**added, **REGISTRATION_KEYS})
    given = collect(mapping, environ, declared, client_id_words)
    values = _parsed(SITE_KEYS, given.site, "authkit.")
    site = Site(values["base_url"], values["prefix"], values["login_url"], values["templates"])
    if site.login_url.startswith("/"):
        site = replace(site, login_url=site.local_url(site.login_url))
    if not given.registrations:
        installed = ", ".join(plugins.providers) or "none (for TikTok: pip install authkit-tiktok)"
        raise ConfigError(f"authkit.<provider>.client_id is missing; the providers that are installed: {installed}")
    registrations = {
        name: _registration(name, given.registrations[name], site, plugins) for name in given.registrations
    }
    _check_redirect_uris_differ(registrations)
    return Configuration(
        site=site,
        registrations=MappingProxyType(registrations),
        secrets=values["secret"],
        vault_secrets=values["vault_key"] or values["secret"],
        parts=MappingProxyType({name: _part(name, given) for name in PART_KEYS}),
        ca_bundle=values["ca_bundle"] or None,
        proxy=values["proxy"],
    )


def allowed_plugins(mapping: Mapping[str, object], environ: Mapping[str, str]) -> frozenset[str] | None:
    """Return what ``authkit.plugins`` lists, None when it is not set: needed before any plugin is loaded."""
    value = mapping.get("authkit.plugins")
    if value is None:
        value = environ.get("AUTHKIT_PLUGINS", "").strip() or None
    return None if value is None else frozenset(words(setting_text("authkit.plugins", value)))


def _check_providers(mapping: Mapping[str, object], environ: Mapping[str, str], plugins: Plugins) -> None:
    """Say first of all that a plugin is missing or broken: otherwise its own words would only look unknown."""
    for full in mapping:
        registration, dot, _ = full.removeprefix("authkit.").partition(".")
        if full.startswith("authkit.") and dot and is_free(registration):
            variable = f"AUTHKIT_{registration.upper().replace('-', '_')}_PROVIDER"
            wanted = mapping.get(f"authkit.{registration}.provider") or environ.get(variable) or registration
            _provider(str(wanted).strip(), registration, plugins)


def _parsed(declared: Mapping[str, Key], given: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """Return the value of every declared key."""
    return {
        name: _value(key, prefix + name, given.get(name), given.get(f"{name}_file")) for name, key in declared.items()
    }


def _part(name: str, given: Given) -> Mapping[str, Any]:
    """Return the values of a part; what it has several of stands under ``members``, by name."""
    values = _parsed(PART_KEYS[name], given.parts[name], f"authkit.{name}.")
    if name not in MEMBER_KEYS:
        return MappingProxyType(values)
    members = {
        owner.partition(".")[2]: MappingProxyType(_parsed(MEMBER_KEYS[name], its, f"authkit.{owner}."))
        for owner, its in given.members.items()
        if owner.startswith(f"{name}.")
    }
    return MappingProxyType({**values, "members": MappingProxyType(members)})


def _value(key: Key, full: str, text: str | None, path: str | None) -> Any:
    if path is not None:
        if text is not None:
            raise ConfigError(f"{full} and {full}_file are both set; keep one")
        text = read_file(f"{full}_file", path)
    if text is None:
        if key.is_required:
            raise ConfigError(f"{full} is missing: {key.help}")
        return key.default
    try:
        return key.parse(text)
    except ValueError as exc:
        shown = "" if key.is_secret else f"{text[:80]!r} "
        problem = ConfigError(f"{full}: {shown}{exc}")
    raise problem


def _registration(name: str, given: Mapping[str, str], site: Site, plugins: Plugins) -> Registration:
    """Return one registration, checked against its provider's rules."""
    check_name(name, "registration")
    prefix = f"authkit.{name}."
    provider = _provider(given.get("provider", name), name, plugins)
    stock = provider if isinstance(provider, OAuth2Provider) else None
    options = {option.name: option_key(option) for option in stock.options} if stock else {}
    declared = {**REGISTRATION_KEYS, **options}
    if stock and stock.token_auth == "none":
        declared["client_secret"] = replace(declared["client_secret"], is_required=False, default=Secret(""))
    values = _parsed(declared, _in_our_words(provider, given, declared, prefix), prefix)
    registration = Registration(
        name=name,
        provider=_with_own_endpoints(provider, values, prefix),
        client_id=values["client_id"],
        client_secret=values["client_secret"],
        scope=values["scope"] or provider.default_scope,
        required_scope=values["required_scope"],
        redirect_uri=values["redirect_uri"] or site.url(f"/{name}/callback"),
        prompt=values["prompt"] or None,
        options=MappingProxyType({option: values[option] for option in options}),
    )
    _check(registration, prefix)
    return registration


def _provider(wanted: str, registration: str, plugins: Plugins) -> AnyProvider:
    if wanted in plugins.providers:
        return plugins.providers[wanted]
    close = get_close_matches(wanted, plugins.providers, n=1)
    advice = f"did you mean {close[0]!r}?" if close else f"installed are: {', '.join(plugins.providers) or 'none'}"
    broken = [f"{info.name!r} of {info.distribution} ({info.problem})" for info in plugins.infos if info.problem]
    if broken:
        advice += f"; these plugins could not be loaded: {', '.join(broken)}"
    raise ConfigError(f"authkit.{registration}: no plugin supplies a provider {wanted!r}; {advice}")


def _in_our_words(
    provider: AnyProvider, given: Mapping[str, str], declared: Mapping[str, Key], prefix: str
) -> dict[str, str]:
    """Return `given` with the provider's own word for the client id as ``client_id``."""
    ours = dict(given)
    word = provider.client_id_param if isinstance(provider, OAuth2Provider) else "client_id"
    if word != "client_id" and word in ours:
        if ours.get("client_id", ours[word]) != ours[word]:
            raise ConfigError(f"{prefix}client_id and {prefix}{word} are the same setting and differ; keep one")
        ours["client_id"] = ours.pop(word)
    for key in ours:
        if key.removesuffix("_file") not in declared:
            raise ConfigError(f"{prefix}{key} is no setting of {provider.title}")
    return ours


def _with_own_endpoints(provider: AnyProvider, values: Mapping[str, Any], prefix: str) -> AnyProvider:
    """Return the provider with the endpoints and the PKCE form that the registration sets."""
    changes = {name: values[name] for name in ENDPOINTS if values[name]}
    if values["pkce"] != "on":
        changes["code_challenge"] = CHALLENGES[values["pkce"]]
    if not changes:
        return provider
    if not isinstance(provider, OAuth2Provider):
        key = "pkce" if "code_challenge" in changes else min(changes)
        raise ConfigError(f"{prefix}{key} cannot be set: {provider.title} is no OAuth 2.0 provider")
    return replace(provider, **changes)


def _check(registration: Registration, prefix: str) -> None:
    """Check what takes more than one setting to judge."""
    if extra := [scope for scope in registration.required_scope if scope not in registration.scope]:
        raise ConfigError(f"{prefix}required_scope has {' '.join(extra)!r}, which {prefix}scope does not ask for")
    provider = registration.provider
    prompts = provider.prompts if isinstance(provider, OAuth2Provider) else {}
    if registration.prompt is not None and registration.prompt not in prompts:
        raise ConfigError(f"{prefix}prompt: must be one of: {', '.join(prompts) or '(none)'}")
    if not isinstance(provider, OAuth2Provider):
        return
    if lacking := [scope for scope in provider.basic_scope if scope not in registration.scope]:
        raise ConfigError(
            f"{prefix}scope lacks {' '.join(lacking)}; add it, {provider.title} gives no profile without"
        )
    if sum(map(len, registration.scope)) + len(registration.redirect_uri) > MAX_SCOPE_AND_URI:
        raise ConfigError(f"{prefix}scope and {prefix}redirect_uri are too long for the cookie of a login")
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


def _plain_origins(registrations: Mapping[str, Registration]) -> set[str]:
    """Return the loopback origins that the settings allow to be spoken to over http."""
    urls = [
        getattr(registration.provider, name)
        for registration in registrations.values()
        if isinstance(registration.provider, OAuth2Provider)
        for name in ENDPOINTS
        if name != "authorize_url"  # only the browser goes there
    ]
    return {f"http://{urlsplit(url).netloc}" for url in urls if url.startswith("http:")}


def _client(registration: Registration, transport: Transport, clock: Callable[[], float]) -> ProviderClient:
    provider, client_id, secret = registration.provider, registration.client_id, registration.client_secret
    if isinstance(provider, OAuth2Provider):
        return OAuth2Client(provider, client_id, secret, transport, clock)
    return provider.client(client_id, secret, transport)
