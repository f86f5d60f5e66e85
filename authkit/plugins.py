"""Plugins: found by installation, loaded one by one, checked, and listed with what is wrong with them.

This is the only file that calls hooks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import EntryPoint
from traceback import format_exc
from types import MappingProxyType
from typing import Any

import pluggy

from authkit import hookspecs
from authkit.candidates import Candidate, PluginInfo, find_candidates, local_candidates
from authkit.errors import AuthkitError, ConfigError
from authkit.inspection import check_hooks, problem_of, providers_in
from authkit.models import Identity, Login, ProviderEvent, traceback_without
from authkit.provider import AnyProvider, Emulator

__all__ = ["PluginInfo", "Plugins", "load_plugins"]

logger = logging.getLogger(__name__)


class Plugins:
    """The loaded plugins. Made by `load_plugins`.

    Attributes:
        infos: every plugin that was found, in the order of their names.
        providers: the usable providers, by name.
        conflicts: a sentence for each name that more than one plugin claims, be it a plugin's or a provider's.
        left_out: the plugins that are installed, and not allowed.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        infos: Sequence[PluginInfo],
        providers: Mapping[str, AnyProvider],
        conflicts: Sequence[str] = (),
        left_out: Sequence[str] = (),
    ) -> None:
        self._manager = manager
        self.infos = tuple(infos)
        self.providers = MappingProxyType(dict(providers))
        self.conflicts = tuple(conflicts)
        self.left_out = tuple(left_out)

    def emulators(self) -> Mapping[str, Callable[[], Emulator]]:
        """Return what makes an emulator, by the name of the provider that it emulates."""
        made, failures = self._emulators()
        for plugin, failure in failures.items():
            logger.error("the plugin %s cannot make its emulators", plugin, exc_info=failure)
        rivals = _claimed("emulates", made.items())
        for rivalry in rivals.values():
            logger.error("%s", rivalry)
        return {name: make for makers in made.values() for name, make in makers.items() if name not in rivals}

    def emulator_problems(self) -> Mapping[str, str]:
        """Return what is wrong with a plugin's emulators, by the plugin's `PluginInfo.label`.

        What an emulator needs need not be installed where an app runs: that is no problem.
        """
        made, failures = self._emulators()
        rivals = _claimed("emulates", made.items())
        broken = {plugin: exc for plugin, exc in failures.items() if not isinstance(exc, (ImportError, ConfigError))}
        return {
            **{
                plugin: "; ".join(rivals[name] for name in makers if name in rivals)
                for plugin, makers in made.items()
            },
            **{plugin: problem_of(exc, "its authkit_emulators failed") for plugin, exc in broken.items()},
        }

    def _emulators(self) -> tuple[Mapping[str, Mapping[str, Callable[[], Emulator]]], Mapping[str, BaseException]]:
        """Return what makes emulators, by plugin and provider, and what came out of the plugins that failed."""
        made: dict[str, Mapping[str, Callable[[], Emulator]]] = {}
        failures: dict[str, BaseException] = {}
        for implementation in self._manager.hook.authkit_emulators.get_hookimpls():
            try:
                answer: Any = implementation.function()
                made[implementation.plugin_name] = {make().provider: make for make in answer}
            except (Exception, SystemExit) as exc:  # noqa: BLE001 - a plugin may fail in any way
                failures[implementation.plugin_name] = exc
        return made, failures

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
                logger.error("the observer %s of plugin %s raised\n%s", hook, implementation.plugin_name, raised)


def _traceback_of(observer: Callable[[], object], login: object) -> str:
    """Call `observer`, and return the traceback of what it raised, without the login's tokens; "" for nothing.

    What ends a thread from outside, such as `KeyboardInterrupt`, is not the observer's, and goes on.
    """
    try:
        observer()
    except (Exception, SystemExit) as exc:  # noqa: BLE001 - an observer is somebody else's code, and breaks no login
        return traceback_without(login.token, exc) if isinstance(login, Login) else format_exc()
    return ""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """One plugin, and the providers that it supplies, by name."""

    info: PluginInfo
    providers: Mapping[str, AnyProvider]


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
    installed = find_candidates(found)
    names = {candidate.name for candidate in installed}
    chosen = [candidate for candidate in installed if allowed is None or candidate.name in allowed]
    twins = _claimed("is named", [(candidate.label, [candidate.name]) for candidate in chosen])
    loaded = [
        _refused(candidate, twins[candidate.name]) if candidate.name in twins else _load(manager, candidate)
        for candidate in (*chosen, *local_candidates(extra))
    ]
    rivals = _claimed("supplies a provider named", [(one.info.label, one.providers) for one in loaded])
    missing = [Candidate(name, "(not found)", "", object) for name in sorted(set(allowed or ()) - names)]
    loaded += [_refused(candidate, "authkit.plugins lists it; install it, or take it out") for candidate in missing]
    return Plugins(
        manager,
        [_with_rivals(one.info, rivals) for one in loaded],
        {name: provider for one in loaded for name, provider in one.providers.items() if name not in rivals},
        [*twins.values(), *rivals.values()],
        left_out=() if allowed is None else sorted(names - set(allowed)),
    )


def _load(manager: pluggy.PluginManager, candidate: Candidate) -> _Loaded:
    """Load one plugin."""
    hooks: tuple[str, ...] = ()
    plugin: object = None
    is_registered = False
    doing = "it cannot be imported"
    try:
        plugin = candidate.load()
        doing = "its hooks cannot be read"
        _check_plugin(manager, plugin)
        manager.register(plugin, name=candidate.label)
        is_registered = True
        manager.check_pending()
        hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(plugin) or ()))
        doing = "its authkit_providers failed"
        providers = _providers_of(manager, plugin, candidate)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001 - a plugin may fail in any way, and the others must go on
        if is_registered:
            manager.unregister(plugin)
        return _refused(candidate, problem_of(exc, doing), hooks)
    return _Loaded(candidate.info(hooks, tuple(providers)), providers)


def _check_plugin(manager: pluggy.PluginManager, plugin: object) -> None:
    if manager.is_registered(plugin):
        other = manager.get_name(plugin)
        raise ConfigError(f"it is the same object as the plugin {other}; take one of the two out")
    check_hooks(plugin)


def _providers_of(manager: pluggy.PluginManager, plugin: object, candidate: Candidate) -> Mapping[str, AnyProvider]:
    for implementation in manager.hook.authkit_providers.get_hookimpls():
        if implementation.plugin is plugin:
            return providers_in(implementation.function(), may_be_reserved=candidate.is_core)
    return {}


def _refused(candidate: Candidate, problem: str, hooks: tuple[str, ...] = ()) -> _Loaded:
    """Return a plugin that is not usable, and say so in the log."""
    info = candidate.info(hooks, problem=problem)
    logger.warning("plugin %s is not usable: %s", info.label, problem)
    return _Loaded(info, {})


def _with_rivals(info: PluginInfo, rivals: Mapping[str, str]) -> PluginInfo:
    """Return `info` with what is wrong about those of its providers that other plugins supply too."""
    problems = [info.problem, *(rivals[name] for name in info.providers if name in rivals)]
    return replace(info, problem="; ".join(filter(None, problems)))


def _claimed(how: str, claims: Iterable[tuple[str, Iterable[str]]]) -> Mapping[str, str]:
    """Return a sentence for each name that more than one plugin claims: never does the last one win.

    Args:
        how: what a plugin does with the name.
        claims: the names that each plugin claims, with the plugin's label.
    """
    owners: dict[str, list[str]] = {}
    for label, names in claims:
        for name in names:
            owners.setdefault(name, []).append(label)
    return {
        name: f"more than one plugin {how} {name!r}: {' and '.join(labels)}; uninstall all but one"
        for name, labels in owners.items()
        if len(labels) > 1
    }
