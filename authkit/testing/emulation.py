"""An app whose providers are emulators: put in place once per app, in its own registry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from webtest import TestApp

from authkit.emulator import Drivable, WsgiTransport
from authkit.errors import ConfigError
from authkit.flow import AuthKit
from authkit.provider import Emulator, OAuth2Provider
from authkit.providerclient import ProviderClient
from authkit.pyramid.config import KIT
from authkit.registration import Registration
from authkit.settings import connected
from authkit.testing.apps import at_home, registry_of
from authkit.testing.emulators import emulator_for
from authkit.testing.witness import Witness
from authkit.urls import origin_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["Emulation", "emulate", "emulation_of", "emulator_of"]

EMULATION = "authkit.emulation"
ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")


@dataclass(frozen=True, slots=True)
class Emulation:
    """An app and the emulators behind it.

    Attributes:
        kit: the app's kit, which speaks to them.
        emulators: the emulator of each registration that has one.
        problems: why there is none, for each of the others.
        witnesses: the client of each registration.
    """

    kit: AuthKit
    emulators: Mapping[str, Drivable]
    problems: Mapping[str, ConfigError]
    witnesses: Mapping[str, Witness]

    def emulator(self, name: str) -> Drivable:
        """Return the emulator of a registration.

        Raises:
            LookupError: there is no such registration.
            ConfigError: it cannot be emulated.
        """
        if name in self.emulators:
            return self.emulators[name]
        if name in self.problems:
            raise self.problems[name]
        raise LookupError(f"no registration is named {name!r}; there are: {', '.join(self.kit.registrations)}")


def emulate(
    browser: TestApp,
    emulators: Mapping[str, Drivable] = MappingProxyType({}),
    *,
    clock: Callable[[], float] | None = None,
) -> None:
    """Let an app speak to emulators from now on, and its browser know the app by its public address.

    `login_as` and its like do it by themselves; call it first to say which emulators, or what time it is. Only the
    registry is changed: settings, accounts, handlers and routes stay as they are, and no request leaves the process.

    Args:
        browser: a TestApp of the app. Its scheme and host become those of ``authkit.base_url``: a cookie that is for
            https, or for another host, would silently be missing otherwise.
        emulators: an emulator for each registration that shall not have one made for its client. What is there
            already from an earlier call stays.
        clock: the time for app and emulators, in seconds since 1970, such as the fixture ``authkit_clock``; None for
            that of the app's kit.

    Raises:
        LookupError: there is no Pyramid app with authkit behind `browser`.
    """
    registry = registry_of(browser)
    kit, known = registry[KIT], registry.get(EMULATION)
    kept = known.emulators if known is not None and known.kit is kit else {}
    emulation = _emulation(kit, {**kept, **emulators}, clock)
    registry[KIT], registry[EMULATION] = emulation.kit, emulation
    at_home(browser, emulation.kit.site)


def emulation_of(browser: TestApp) -> Emulation:
    """Return the emulation of an app, put in place if it is not yet."""
    registry = registry_of(browser)
    known = registry.get(EMULATION)
    if known is None or known.kit is not registry[KIT]:
        emulate(browser)
    at_home(browser, registry[KIT].site)
    emulation: Emulation = registry[EMULATION]
    return emulation


def emulator_of(browser: TestApp, name: str) -> Drivable:
    """Return the emulator behind a registration of an app: its faults, switches, requests, and people.

    Raises:
        LookupError: there is no such registration, or no Pyramid app with authkit behind `browser`.
        ConfigError: the registration's provider cannot be emulated; the reason says what is missing.
    """
    return emulation_of(browser).emulator(name)


def _emulation(kit: AuthKit, given: Mapping[str, Drivable], clock: Callable[[], float] | None) -> Emulation:
    emulators, problems = dict(given), dict[str, ConfigError]()
    for name, registration in kit.registrations.items():
        if name not in given:
            try:
                emulators[name] = emulator_for(registration, kit.plugins)
            except ConfigError as exc:
                problems[name] = exc
    for emulator in emulators.values():
        emulator.workbench.clock.follow(clock or kit.clock)
    registrations = {
        name: _moved(registration, emulators[name]) if name in emulators else registration
        for name, registration in kit.registrations.items()
    }
    adapters = {
        **{name: WsgiTransport(emulator) for name, emulator in emulators.items()},
        **{name: WsgiTransport(_Nobody(problem)) for name, problem in problems.items()},
    }
    moved = connected(replace(kit, registrations=MappingProxyType(registrations)), adapters, clock)
    witnesses = {name: Witness(client) for name, client in moved.clients.items()}
    clients = cast("Mapping[str, ProviderClient]", MappingProxyType(witnesses))
    return Emulation(replace(moved, clients=clients), emulators, problems, witnesses)


def _moved(registration: Registration, emulator: Emulator) -> Registration:
    """Return the registration with the paths at which the emulator answers; mostly they are the provider's own."""
    provider = registration.provider
    if not isinstance(provider, OAuth2Provider):
        return registration
    own = {name: url for name in ENDPOINTS if (url := getattr(provider, name))}
    here = {name: emulator.settings(origin_of(url)).get(name, url) for name, url in own.items()}
    changes = {name: url for name, url in here.items() if _target(url) != _target(own[name])}
    return replace(registration, provider=replace(provider, **changes)) if changes else registration


def _target(url: str) -> tuple[str, str]:
    return urlsplit(url)[2:4]


@dataclass(frozen=True, slots=True)
class _Nobody:
    """Stands where an emulator is missing, so that nothing goes out to the network instead."""

    problem: ConfigError

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:  # noqa: ARG002
        raise self.problem
