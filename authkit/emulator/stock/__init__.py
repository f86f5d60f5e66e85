"""The stock emulator: an authorization server by the RFCs, made of the data of any `OAuth2Provider`."""

from __future__ import annotations

from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.emulator import StockEmulator
from authkit.emulator.stock.maker import StockMaker
from authkit.emulator.stock.switches import StockSwitches

__all__ = ["StockClient", "StockEmulator", "StockMaker", "StockSwitches"]
