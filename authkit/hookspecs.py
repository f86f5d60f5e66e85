"""The hooks of authkit: what a plugin may implement. All are optional.

A plugin is an installed distribution with an entry point in the group ``authkit``; the entry point names a
module, and the module's functions that are marked with `hookimpl` are its hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pluggy

from authkit.errors import AuthkitError
from authkit.models import Login
from authkit.provider import AnyProvider, Emulator

__all__ = ["ENTRY_POINT_GROUP", "hookimpl", "hookspec"]

ENTRY_POINT_GROUP = "authkit"

hookspec = pluggy.HookspecMarker("authkit")
hookimpl = pluggy.HookimplMarker("authkit")
"""Marks a function of a plugin as an implementation of the hook with the same name."""


@hookspec
def authkit_providers() -> Sequence[AnyProvider]:  # type: ignore[empty-body]  # a specification has no body
    """Return the providers that the plugin supplies.

    Called once per plugin when plugins are loaded. An exception makes the plugin unusable: start-up fails if a
    registration needs it, otherwise it is a warning and a line in ``authkit plugins``.
    """
    ...


@hookspec
def authkit_emulators() -> Sequence[Callable[[], Emulator]]:  # type: ignore[empty-body]  # as above
    """Return what makes the plugin's emulators: a class, or a function, that needs no arguments.

    Called by the command line (``authkit emulate``, ``authkit demo``) and by tests, never by a web process.
    Import the emulator inside the function, so that a web process does not load it. An exception is logged, and
    the other plugins' emulators are there all the same.
    """
    ...


@hookspec
def authkit_login_succeeded(login: Login) -> None:
    """Observe a login that succeeded.

    Called by the adapter after the app's login handler has answered, once per login, in the request's thread.
    `login` holds the token: do not log it. An exception is logged and changes nothing.
    """


@hookspec
def authkit_login_failed(error: AuthkitError) -> None:
    """Observe a login that failed.

    Called by the adapter, once per failure, in the request's thread; `error` has ``code``, ``reason``,
    ``registration`` and ``correlation_id``. An exception is logged and changes nothing.
    """
