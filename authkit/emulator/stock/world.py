"""`World`: what the endpoints of the stock emulator have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.dialect import Dialect
from authkit.emulator.stock.ledger import Ledger
from authkit.emulator.stock.switches import HasStockSwitches
from authkit.emulator.stock.users import StockUser
from authkit.provider import OAuth2Provider

__all__ = ["World"]


@dataclass(frozen=True, slots=True)
class World:
    """Who is there, what was handed out, and how the server behaves today.

    Attributes:
        provider: the provider that is emulated.
        clients: the clients that are registered, by client id.
        users: the accounts that the consent page offers; there may be more of them later.
        switches: how the server behaves.
        ledger: what it remembers.
        dialect: what it does beyond the RFCs of the stock emulator.
    """

    provider: OAuth2Provider
    clients: Mapping[str, StockClient]
    users: Sequence[StockUser]
    switches: HasStockSwitches
    ledger: Ledger
    dialect: Dialect
