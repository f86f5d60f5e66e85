"""`StockMaker`: what a plugin returns to ``authkit_emulators`` where the stock emulator needs to be told more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authkit.emulator.records import read_records
from authkit.emulator.stock.client import EXAMPLE_CLIENT, StockClient
from authkit.emulator.stock.emulator import StockEmulator
from authkit.emulator.stock.resources import Resources
from authkit.provider import OAuth2Provider

__all__ = ["StockMaker"]


@dataclass(frozen=True, slots=True)
class StockMaker:
    """Makes stock emulators of one provider. See `Configurable`.

    Attributes:
        provider: what is emulated.
        users: what the user info endpoint answers for each account; empty for three people that are made up.
        resources: what further addresses of the provider's API answer, as in `StockEmulator`.

    Example:
        >>> from authkit import OAuth2Provider, Profile
        >>> from authkit.emulator import StockMaker
        >>> acme = OAuth2Provider(
        ...     name="acme",
        ...     title="Acme",
        ...     authorize_url="https://acme.example/oauth/authorize",
        ...     token_url="https://acme.example/oauth/token",
        ...     userinfo_url="https://acme.example/api/me",
        ...     profile=lambda data: Profile(subject=data["id"]),
        ... )
        >>> make = StockMaker(acme, resources={"https://acme.example/api/me/emails": []})
        >>> make().provider
        'acme'
    """

    provider: OAuth2Provider
    users: Sequence[Mapping[str, Any]] = ()
    resources: Resources = field(default_factory=dict)

    def __call__(self) -> StockEmulator:
        """Return an emulator with the usual client."""
        return self.configured((), ())

    def configured(self, apps: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]]) -> StockEmulator:
        """Return an emulator with these clients and users, each as JSON has it; empty for the usual ones.

        The client id may go by the provider's own word. The provider's options mean nothing here.

        Raises:
            ValueError: they cannot be; the message says why.
        """
        options = {option.name for option in self.provider.options}
        clients = [
            {
                "client_id" if name == self.provider.client_id_param else name: value
                for name, value in app.items()
                if name not in options
            }
            for app in apps
        ]
        return StockEmulator(
            self.provider,
            users=users or self.users,
            resources=self.resources,
            clients=read_records(StockClient, clients) or (EXAMPLE_CLIENT,),
        )
