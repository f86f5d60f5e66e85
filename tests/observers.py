"""An observer of every hook about accounts, and accounts that it observes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from account_world import AccountWorld
from fakes import Clock, Network, acme, make_kit, plugins_with

from authkit import Identity, ProviderEvent
from authkit.accounts import Database


class Observer:
    """Writes down what it is told: the hook's name without its prefix, and its arguments."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    @property
    def hooks(self) -> Mapping[str, Callable[..., None]]:
        """The observer as functions, by the names of the hooks."""

        def account_created(account_id: str, identity: Identity) -> None:
            self.told.append(("account_created", account_id, identity))

        def linked(account_id: str, identity: Identity) -> None:
            self.told.append(("linked", account_id, identity))

        def unlinked(account_id: str, identity: Identity) -> None:
            self.told.append(("unlinked", account_id, identity))

        def token_refreshed(identity: Identity) -> None:
            self.told.append(("token_refreshed", identity))

        def reauth_required(identity: Identity, reason: str) -> None:
            self.told.append(("reauth_required", identity, reason))

        def disconnected(identity: Identity, reason: str) -> None:
            self.told.append(("disconnected", identity, reason))

        def provider_event(event: ProviderEvent) -> None:
            self.told.append(("provider_event", event))

        hooks = (
            *(account_created, linked, unlinked, token_refreshed),
            *(reauth_required, disconnected, provider_event),
        )
        return {f"authkit_{hook.__name__}": hook for hook in hooks}

    def clear(self) -> None:
        """Forget what was told up to now."""
        self.told.clear()


class ObservedWorld(AccountWorld):
    """Accounts of an app with an observer; `settings` come on top of the usual ones."""

    def __init__(self, database: Database, provider: Any = acme, **settings: str) -> None:
        self.observer, clock, network = Observer(), Clock(), Network()
        own = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
        plugins = plugins_with(provider, **self.observer.hooks)
        super().__init__(database, kit=make_kit(network, own, clock=clock, plugins=plugins))
        self.clock, self.network = clock, network
