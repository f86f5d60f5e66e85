"""The hooks of authkit: what a plugin may implement. All are optional.

A plugin is an installed distribution with an entry point in the group ``authkit``; the entry point names a
module, and the module's functions that are marked with `hookimpl` are its hooks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pluggy

from authkit.errors import AuthkitError
from authkit.models import Identity, Login, ProviderEvent
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

    Called by the adapter once the app's login handler has answered, and what it wrote in the transaction of the
    request is committed; once per login, in the request's thread. `login` holds the token: do not log it. An
    exception is logged and changes nothing.
    """


@hookspec
def authkit_login_failed(error: AuthkitError) -> None:
    """Observe a login that failed, or anything else that authkit's routes have refused, a path that is none included.

    Called by the adapter, once per failure, in the request's thread; `error` has ``code``, ``reason``,
    ``registration`` and ``correlation_id``. An exception is logged and changes nothing.
    """


@hookspec
def authkit_account_created(account_id: str, identity: Identity) -> None:
    """Observe that somebody signed in for the first time, and has an account now.

    Called by the account store, once per account, after the database has it, in the thread of the login. An
    exception is logged and changes nothing.
    """


@hookspec
def authkit_linked(account_id: str, identity: Identity) -> None:
    """Observe that an account got another identity.

    Called by the account store, once per link, after the database has it. An exception is logged and changes nothing.
    """


@hookspec
def authkit_unlinked(account_id: str, identity: Identity) -> None:
    """Observe that an account lost an identity: it was disconnected, or the account was deleted.

    Called by the account store, once per identity, after the database has it. An exception is logged and changes
    nothing.
    """


@hookspec
def authkit_token_refreshed(identity: Identity) -> None:
    """Observe that the stored token of an identity was refreshed.

    Called by the vault, once per refresh, after the database has the new token, in the process that refreshed it. An
    exception is logged and changes nothing.
    """


@hookspec
def authkit_reauth_required(identity: Identity, reason: str) -> None:
    """Observe that the stored token of an identity is of no use any more: its user has to sign in again.

    Called by the vault, once per token, after the database has it. `reason` says what the provider answered; it holds
    no secret. An exception is logged and changes nothing.
    """


@hookspec
def authkit_disconnected(identity: Identity, reason: str) -> None:
    """Observe that the provider ended an authorization: the user disconnected the app, or is gone.

    Called when a webhook says so, once per event, after the database has dropped the token. `reason` is the plugin's.
    An exception is logged and changes nothing.
    """


@hookspec
def authkit_provider_event(event: ProviderEvent) -> None:
    """Observe what a provider told by webhook: any event, once it was verified.

    Called once per event, after the database remembers it. An exception is logged and changes nothing; what must not
    be missed is for the app's own event handler, whose exception makes the provider send the event again.
    """
