"""From settings to a kit: every value is read once at start-up, checked, and frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from authkit.breaker import Breaker
from authkit.clients import Clients
from authkit.errors import ConfigError
from authkit.flow import AuthKit
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS, option_key, words
from authkit.models import Secret
from authkit.names import is_free
from authkit.plugins import Plugins, load_plugins
from authkit.providerclient import ProviderClient
from authkit.registration import Registration
from authkit.registrations import make_client, make_registrations, plain_origins, provider_of
from authkit.seal import Sealer
from authkit.site import Site
from authkit.sources import Declared, Given, collect, parse_values, setting_text
from authkit.transactions import ClaimStore, MemoryClaims, Transactions

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from authkit.transport import Transport

__all__ = ["Configuration", "allowed_plugins", "build", "connected", "read_settings"]


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
    max_waiting: int


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
    registrations, ca_bundle = configuration.registrations, configuration.ca_bundle
    proxy = configuration.proxy.reveal() if configuration.proxy else None

    def make(registration: Registration) -> ProviderClient:
        return make_client(registration, _new_transport(registrations, clock, transport, ca_bundle, proxy), clock)

    secrets: dict[str, tuple[Secret, ...]] = dict.fromkeys(("transaction", "csrf", "ticket"), configuration.secrets)
    secrets["vault"] = configuration.vault_secrets
    sealers = {purpose: Sealer(keys, purpose, random) for purpose, keys in secrets.items()}
    transactions = Transactions(
        sealers["transaction"],
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
        clients=Clients(registrations, make),
        breakers=MappingProxyType({name: Breaker(name, configuration.max_waiting) for name in registrations}),
        secrets=configuration.secrets,
        sealers=MappingProxyType(sealers),
        parts=configuration.parts,
        clock=clock,
        random=random,
    )


def connected(kit: AuthKit, adapters: Mapping[str, BaseAdapter], clock: Callable[[], float] | None = None) -> AuthKit:
    """Return `kit` with other ways to its providers, such as emulators; all else it keeps.

    Args:
        kit: the kit.
        adapters: what reaches the provider, by the name of the registration; the others stay connected as they are.
        clock: the time, in seconds since the epoch; None for the kit's own.
    """
    clock = clock or kit.clock
    wires = {name: _new_transport(kit.registrations, clock, adapter) for name, adapter in adapters.items()}
    clients = {name: make_client(kit.registrations[name], wire, clock) for name, wire in wires.items()}
    return replace(
        kit,
        transactions=kit.transactions.timed_by(clock),
        clients=MappingProxyType({**kit.clients, **clients}),
        breakers=MappingProxyType({**kit.breakers, **{name: kit.breakers[name].renewed() for name in wires}}),
        clock=clock,
    )


def _new_transport(
    registrations: Mapping[str, Registration],
    clock: Callable[[], float],
    adapter: BaseAdapter | None,
    ca_bundle: str | None = None,
    proxy: str | None = None,
) -> Transport:
    """Return the way to the providers of `registrations`."""
    from authkit.transport import Transport  # requests, urllib3 and all below them: only who asks a provider needs it

    origins = plain_origins(registrations)
    return Transport(adapter, plain_origins=origins, ca_bundle=ca_bundle, proxy=proxy, clock=clock)


def read_settings(mapping: Mapping[str, object], environ: Mapping[str, str], plugins: Plugins) -> Configuration:
    """Read and check every setting.

    Raises:
        ConfigError: one is missing, unknown or malformed, or two plugins claim one provider.
    """
    if plugins.conflicts:
        raise ConfigError("; ".join(plugins.conflicts))
    _check_providers(mapping, environ, plugins)
    providers = plugins.providers.values()
    client_id_words = {getattr(provider, "client_id_param", "client_id") for provider in providers}
    added = dict.fromkeys(client_id_words, REGISTRATION_KEYS["client_id"])
    added.update(
        {option.name: option_key(option) for provider in providers for option in getattr(provider, "options", ())}
    )
    declared = Declared(SITE_KEYS, PART_KEYS, MEMBER_KEYS, {**added, **REGISTRATION_KEYS})
    given = collect(mapping, environ, declared, client_id_words)
    values = parse_values(SITE_KEYS, given.site, "authkit.")
    site = Site(values["base_url"], values["prefix"], values["login_url"], values["templates"])
    if site.login_url.startswith("/"):
        site = replace(site, login_url=site.local_url(site.login_url))
    if not given.registrations:
        installed = ", ".join(plugins.providers) or "none (for TikTok: pip install authkit-tiktok)"
        raise ConfigError(f"authkit.<provider>.client_id is missing; the providers that are installed: {installed}")
    registrations = make_registrations(given.registrations, site, plugins)
    return Configuration(
        site=site,
        registrations=MappingProxyType(registrations),
        secrets=values["secret"],
        vault_secrets=values["vault_key"] or values["secret"],
        parts=MappingProxyType({name: _part(name, given) for name in PART_KEYS}),
        ca_bundle=values["ca_bundle"] or None,
        proxy=values["proxy"],
        max_waiting=values["max_waiting"],
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
            provider_of(str(wanted).strip(), registration, plugins)


def _part(name: str, given: Given) -> Mapping[str, Any]:
    """Return the values of a part; what it has several of stands under ``members``, by name."""
    values = parse_values(PART_KEYS[name], given.parts[name], f"authkit.{name}.")
    if name not in MEMBER_KEYS:
        return MappingProxyType(values)
    members = {
        owner.partition(".")[2]: MappingProxyType(parse_values(MEMBER_KEYS[name], its, f"authkit.{owner}."))
        for owner, its in given.members.items()
        if owner.startswith(f"{name}.")
    }
    return MappingProxyType({**values, "members": MappingProxyType(members)})
