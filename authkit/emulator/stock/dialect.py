"""`Dialect`: what a server does beyond the RFCs that the stock emulator has, as plain functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from authkit.emulator.messages import Request
from authkit.emulator.stock.authentication import authenticate
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.ledger import Access, Issued
from authkit.emulator.stock.parameters import Parameters, read_query

if TYPE_CHECKING:
    from authkit.emulator.stock.world import World

__all__ = ["Dialect"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Plain functions that the endpoints of the stock emulator call; by default they change nothing.

    Attributes:
        read_authorization: reads the parameters of an authorization request; raises `Refused` where nobody can be
            sent anywhere.
        check_authorization: raises `Refused` for what it has against an authorization request.
        constants: what every authorization response has, beside the state.
        fixed_scopes: scopes that are granted whenever they are asked for: the user has no say.
        authenticate: tells which client calls, or raises `Refused`.
        members: what a token answer has, beside the members of RFC 6749.
        userinfo: what the user info endpoint answers.
    """

    read_authorization: Callable[[Request], Parameters] = read_query
    check_authorization: Callable[[Request, Parameters], None] = lambda _request, _parameters: None
    constants: Callable[[Request], Mapping[str, str]] = lambda _request: {}
    fixed_scopes: frozenset[str] = frozenset()
    authenticate: Callable[[Request, Parameters, World], StockClient] = authenticate
    members: Callable[[Request, Issued], Mapping[str, Any]] = lambda _request, _issued: {}
    userinfo: Callable[[Access], Mapping[str, Any]] = lambda access: access.grant.user.body
