"""Plugins: found by installation, loaded one by one, checked, and listed with what is wrong with them.

This is the only file that calls hooks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from traceback import format_exc
from types import MappingProxyType
from typing import Any

import pluggy

from authkit import hookspecs
from authkit.errors import AuthkitError, ConfigError, printable
from authkit.hookspecs import ENTRY_POINT_GROUP
from authkit.models import Identity, Login, ProviderEvent, traceback_without
from authkit.provider import AnyProvider, Emulator, OAuth2Provider, Provider

__all__ = ["RESERVED_NAMES", "PluginInfo", "Plugins", "check_name", "is_free", "is_name", "load_plugins"]

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
RESERVED_NAMES = frozenset(
    "accounts api authkit base ca callback connect health jwks link login logout metrics native oidc plugins "  # noqa: SIM905 - a list would take a page
    "prefix proxy secret session static unlink vault webhook".split()
)


def is_name(name: str) -> bool:
    """Whether `name` has the form of a name."""
    return NAME.fullmatch(name) is not None


def is_free(name: str) -> bool:
    """Whether `name` may name a registration: of the right form, and not reserved."""
    return is_name(name) and name not in RESERVED_NAMES


def check_name(name: object, what: str, *, may_be_reserved: bool = False) -> str:
    """Return `name` if it may name a provider or a registration.

    Args:
        name: the name.
        what: what it names, for the message.
        may_be_reserved: whether a reserved name will do, as for a provider that the core itself supplies.

    Raises:
        ConfigError: it does not match ``[a-z][a-z0-9-]{0,31}`` in full, or is reserved.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigError(f"{what} name {str(name)[:80]!r} does not match [a-z][a-z0-9-]{{0,31}}; choose another")
    if name in RESERVED_NAMES and not may_be_reserved:
        raise ConfigError(f"{what} name {name!r} is reserved; choose another")
    return name


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin that was found: what it is, and why it is not usable if it is not.

    Attributes:
        name: the entry point's name.
        distribution: the installed distribution that brings it, with its version.
        version: the distribution's version.
        providers: the names of the providers that it supplies.
        hooks: the hooks that it implements.
        problem: why it cannot be used, "" when it can.
    """

    name: str
    distribution: str
    version: str
    providers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    problem: str = ""


class Plugins:
    """The loaded plugins. Made by `load_plugins`.

    Attributes:
        infos: every plugin that was found, in the order of their names.
        providers: the usable providers, by name.
        conflicts: a sentence for each provider name that two plugins claim.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        infos: Sequence[PluginInfo],
        providers: Mapping[str, AnyProvider],
        conflicts: Sequence[str] = (),
    ) -> None:
        self._manager = manager
        self.infos = tuple(infos)
        self.providers = MappingProxyType(dict(providers))
        self.conflicts = tuple(conflicts)

    def emulators(self) -> Mapping[str, Callable[[], Emulator]]:
        """Return what makes an emulator, by the name of the provider that it emulates."""
        makers: dict[str, Callable[[], Emulator]] = {}
        for implementation in self._manager.hook.authkit_emulators.get_hookimpls():
            try:
                answer: Any = implementation.function()
                makers.update({make().provider: make for make in answer})
            except Exception:
                logger.exception("the plugin %r cannot make its emulators", implementation.plugin_name)
        return makers

    def login_succeeded(self, login: Login) -> None:
        """Tell the observers of ``authkit_login_succeeded``."""
        self._observe("authkit_login_succeeded", login=login)

    def login_failed(self, error: AuthkitError) -> None:
        """Tell the observers of ``authkit_login_failed``."""
        self._observe("authkit_login_failed", error=error)

    def account_created(self, account_id: str, identity: Identity) -> None:
        """Tell the observers of ``authkit_account_created``."""
        self._observe("authkit_account_created", account_id=account_id, identity=identity)

    def linked(self, account_id: str, identity: Identity) -> None:
        """Tell the observers of ``authkit_linked``."""
        self._observe("authkit_linked", account_id=account_id, identity=identity)

    def unlinked(self, account_id: str, identity: Identity) -> None:
        """Tell the observers of ``authkit_unlinked``."""
        self._observe("authkit_unlinked", account_id=account_id, identity=identity)

    def token_refreshed(self, identity: Identity) -> None:
        """Tell the observers of ``authkit_token_refreshed``."""
        self._observe("authkit_token_refreshed", identity=identity)

    def reauth_required(self, identity: Identity, reason: str) -> None:
        """Tell the observers of ``authkit_reauth_required``."""
        self._observe("authkit_reauth_required", identity=identity, reason=reason)

    def disconnected(self, identity: Identity, reason: str) -> None:
        """Tell the observers of ``authkit_disconnected``."""
        self._observe("authkit_disconnected", identity=identity, reason=reason)

    def provider_event(self, event: ProviderEvent) -> None:
        """Tell the observers of ``authkit_provider_event``."""
        self._observe("authkit_provider_event", event=event)

    def _observe(self, hook: str, **values: object) -> None:
        # One by one, so that an observer that raises keeps nothing from the others.
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            arguments = {name: values[name] for name in implementation.argnames}
            raised = _traceback_of(partial(implementation.function, **arguments), values.get("login"))
            if raised:
                logger.error("the observer %s of plugin %r raised\n%s", hook, implementation.plugin_name, raised)


def _traceback_of(observer: Callable[[], object], login: object) -> str:
    """Call `observer`, and return the traceback of what it raised, without the login's tokens; "" for nothing."""
    try:
        observer()
    except Exception as exc:  # noqa: BLE001 - an observer is somebody else's code, and breaks no login
        return traceback_without(login.token, exc) if isinstance(login, Login) else format_exc()
    return ""


def load_plugins(
    allowed: Collection[str] | None = None, found: Iterable[EntryPoint] | None = None, extra: Iterable[object] = ()
) -> Plugins:
    """Find and load the installed plugins. One that fails does not keep the others from working.

    Args:
        allowed: names of entry points; what is not among them is not even imported. None allows all.
        found: the entry points, instead of those of the installed distributions.
        extra: plugin objects that are not installed, such as a module of the app, or an object in a test.
    """
    manager = pluggy.PluginManager("authkit")
    manager.add_hookspecs(hookspecs)
    infos: list[PluginInfo] = []
    providers: dict[str, AnyProvider] = {}
    owners: dict[str, str] = {}
    conflicts: list[str] = []
    for name, label, version, load in _candidates(allowed, found, extra):
        info, supplied = _load(manager, name, label, version, load)
        infos.append(info)
        for provider in supplied:
            if provider.name in owners:
                both = f"{owners[provider.name]} and {label} {version}".strip()
                conflicts.append(f"two plugins supply a provider named {provider.name!r}: {both}; uninstall one")
            owners[provider.name] = f"{label} {version}".strip()
            providers[provider.name] = provider
    return Plugins(manager, infos, providers, conflicts)


def _candidates(
    allowed: Collection[str] | None, found: Iterable[EntryPoint] | None, extra: Iterable[object]
) -> Iterable[tuple[str, str, str, Callable[[], object]]]:
    """Yield name, distribution, version and loader of each plugin; an entry point that is listed twice once."""
    points = entry_points(group=ENTRY_POINT_GROUP) if found is None else found
    seen: set[tuple[str, str, str]] = set()
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        label, version = (point.dist.name, point.dist.version) if point.dist else ("(no distribution)", "")
        if (point.name, point.value, label) in seen or (allowed is not None and point.name not in allowed):
            continue
        seen.add((point.name, point.value, label))
        yield point.name, label, version, point.load
    for plugin in extra:
        yield getattr(plugin, "__name__", type(plugin).__name__), "(not installed)", "", partial(_same, plugin)


def _same(plugin: object) -> object:
    return plugin


def _load(
    manager: pluggy.PluginManager, name: str, label: str, version: str, load: Callable[[], object]
) -> tuple[PluginInfo, list[AnyProvider]]:
    """Load one plugin and return what it is, with its providers."""
    hooks: tuple[str, ...] = ()
    plugin: object = None
    is_new = False
    try:
        plugin = load()
        is_new = not manager.is_registered(plugin)
        manager.register(plugin, name=f"{name} ({label})")
        manager.check_pending()
        hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(plugin) or ()))
        supplied = _providers_of(manager, plugin, may_be_reserved=_is_core(label))
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - a plugin may fail in any way, and the others must go on
        if is_new and manager.is_registered(plugin):
            manager.unregister(plugin)
        said = exc.reason if isinstance(exc, AuthkitError) else f"{type(exc).__name__}: {exc}"
        problem = printable(said)
        logger.warning("plugin %r of %s is not usable: %s", name, f"{label} {version}".strip(), problem)
        return PluginInfo(name, label, version, hooks=hooks, problem=problem), []
    return PluginInfo(name, label, version, tuple(provider.name for provider in supplied), hooks), supplied


def _is_core(distribution: str) -> bool:
    """Whether this is the core's own distribution, however its metadata spells it."""
    return re.sub(r"[-_.]+", "-", distribution).lower() == "authkit-core"


def _providers_of(manager: pluggy.PluginManager, plugin: object, *, may_be_reserved: bool) -> list[AnyProvider]:
    supplied: list[AnyProvider] = []
    for implementation in manager.hook.authkit_providers.get_hookimpls():
        if implementation.plugin is plugin:
            answer: Any = implementation.function()
            for provider in answer:
                if not isinstance(provider, (OAuth2Provider, Provider)):
                    raise TypeError(f"authkit_providers returned a {type(provider).__name__}, which is no provider")
                check_name(provider.name, "provider", may_be_reserved=may_be_reserved)
                supplied.append(provider)
    return supplied
