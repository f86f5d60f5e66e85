"""`Ledger`: what the stock emulator remembers: codes, tokens, and which of them were used up."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from authkit.emulator.shelf import Shelf
from authkit.emulator.stock import rules
from authkit.emulator.stock.client import StockClient
from authkit.emulator.stock.refused import Refused
from authkit.emulator.stock.switches import HasStockSwitches
from authkit.emulator.stock.users import StockUser

__all__ = ["Access", "Code", "Grant", "Issued", "Ledger"]


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user allowed a client, once.

    Attributes:
        code: the code that it was first told by; it tells it from what they allowed at another time.
        client_id: who was allowed.
        user: who allowed it.
        scopes: what.
        asked: the parameters of the authorization request.
        at: when, in seconds since 1970.
    """

    code: str = field(repr=False)
    client_id: str
    user: StockUser
    scopes: tuple[str, ...]
    asked: Mapping[str, str] = field(repr=False)
    at: float


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for.

    Attributes:
        grant: what was allowed.
        redirect_uri: where the browser was sent.
        is_redirect_uri_given: whether the authorization request had it; then the token request must.
        challenge: the PKCE challenge, "" for none.
    """

    grant: Grant
    redirect_uri: str
    is_redirect_uri_given: bool
    challenge: str


@dataclass(frozen=True, slots=True)
class Access:
    """What an access token is good for: a grant, or fewer scopes of it."""

    grant: Grant
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issued:
    """Tokens as they are handed out.

    Attributes:
        access: what the access token is good for.
        access_token: the access token.
        expires_in: the seconds for which it works.
        refresh_token: the refresh token.
        is_first: whether they are the first of their grant, and not the fruit of a refresh.
    """

    access: Access
    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str = field(repr=False)
    is_first: bool


class Ledger:
    """All of it in memory, each kind with its end and at most 10,000 of it.

    Args:
        clock: the time, in seconds since 1970.
        random: that many random bytes. No two codes or tokens are alike, even if these are.
        switches: say how long things live, and what a refresh changes.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        switches: HasStockSwitches,
    ) -> None:
        self._clock = clock
        self._random = random
        self._switches = switches
        self._numbers = count(1)
        self._codes: Shelf[Code] = Shelf(clock)
        self._access: Shelf[Access] = Shelf(clock)
        self._refresh: Shelf[Grant] = Shelf(clock)
        self._spent: Shelf[Grant] = Shelf(clock)

    def new_text(self, kind: str) -> str:
        """Return a text that was never given out: a code, a token, or the id of a request."""
        random = base64.urlsafe_b64encode(self._random(24)).decode("ascii")
        return f"{kind}-{next(self._numbers):04d}-{random}"

    def new_grant(self, client_id: str, user: StockUser, scopes: tuple[str, ...], asked: Mapping[str, str]) -> Grant:
        """Return what a user allows a client now."""
        return Grant(self.new_text("code"), client_id, user, scopes, asked, self._clock())

    def keep_code(self, code: Code) -> None:
        """Remember what the text ``code.grant.code`` stands for."""
        self._codes.put(code.grant.code, code, self._clock() + self._switches.now.code_lifetime)

    def take_code(self, text: str, client: StockClient) -> Code:
        """Return what a code stands for, once: the client's first attempt uses it up, whatever comes of it.

        Raises:
            Refused: it is unknown, too old, another client's or used; in the last case all that was issued from it
                is revoked.
        """
        spent, code = self._spent.get(text), self._codes.get(text)
        known = spent or (code.grant if code else None)
        if known is None:
            raise Refused("invalid_grant", "The code is unknown or has ended.", rules.CODE_SHORT)
        if known.client_id != client.client_id:
            raise Refused("invalid_grant", "The code was issued to another client.", rules.CODE_OF_CLIENT)
        if code is None:
            self.end(known)
            raise Refused(
                "invalid_grant", "The code was used before; what was issued from it is revoked.", rules.CODE_ONCE
            )
        self._codes.drop(text)
        self._spend(text, known)
        return code

    def issue(self, grant: Grant) -> Issued:
        """Return the first tokens of a grant."""
        return self._issue(Access(grant, grant.scopes), self.new_text("refresh"), is_first=True)

    def refresh(self, refresh_token: str, client: StockClient, scopes: tuple[str, ...] | None) -> Issued:
        """Return fresh tokens (RFC 6749, section 6).

        Args:
            refresh_token: the refresh token.
            client: who uses it.
            scopes: what the access token is for; None for all that was granted.

        Raises:
            Refused: the refresh token is unknown, has ended, is another client's or was replaced; in the last case
                all tokens of the grant are revoked. Or a scope was not granted.
        """
        spent, granted = self._spent.get(refresh_token), self._refresh.get(refresh_token)
        known = granted or spent
        if known is None:
            raise Refused("invalid_grant", "The refresh token is unknown or has ended.", rules.REFRESH_VALID)
        if known.client_id != client.client_id:
            raise Refused("invalid_grant", "The refresh token is another client's.", rules.REFRESH_OF_CLIENT)
        if granted is None:
            self.end(known)
            raise Refused(
                "invalid_grant", "The refresh token was replaced; its successors are revoked.", rules.REFRESH_ONCE
            )
        if scopes is not None and not set(scopes) <= set(granted.scopes):
            raise Refused("invalid_scope", "A scope was not granted.", rules.REFRESH_SCOPE)
        access = Access(granted, granted.scopes if scopes is None else scopes)
        if not self._switches.now.rotation:
            return self._issue(access, refresh_token, is_first=False)
        self._refresh.drop(refresh_token)
        self._spend(refresh_token, granted)
        return self._issue(access, self.new_text("refresh"), is_first=False)

    def _issue(self, access: Access, refresh_token: str, *, is_first: bool) -> Issued:
        now, switches = self._clock(), self._switches.now
        access_token = self.new_text("access")
        self._access.put(access_token, access, now + switches.access_lifetime)
        self._refresh.put(refresh_token, access.grant, now + switches.refresh_lifetime)
        return Issued(access, access_token, switches.access_lifetime, refresh_token, is_first)

    def _spend(self, text: str, grant: Grant) -> None:
        """Remember that a code or a refresh token was used, for as long as anything that came of it may live."""
        switches = self._switches.now
        longest = max(switches.access_lifetime, switches.refresh_lifetime)
        self._spent.put(text, grant, self._clock() + longest)

    def granted(self, access_token: str) -> Access | None:
        """Return what an access token is good for; None when it is unknown, ended or revoked."""
        return self._access.get(access_token)

    def refreshable(self, refresh_token: str) -> Grant | None:
        """Return what a refresh token is good for; None when it is unknown, replaced, ended or revoked."""
        return self._refresh.get(refresh_token)

    def drop_access(self, access_token: str) -> None:
        """Revoke one access token."""
        self._access.drop(access_token)

    def end(self, grant: Grant) -> None:
        """Revoke every token of a grant."""
        self._access.drop_values(lambda access: access.grant.code == grant.code)
        self._refresh.drop_values(lambda kept: kept.code == grant.code)

    def living_tokens(self) -> Iterator[tuple[str, str, Grant, tuple[str, ...], float]]:
        """Yield what works, access tokens first: kind, text, grant, scopes, and the time of its end."""
        for text, access, ends_at in self._access.newest():
            yield "access", str(text), access.grant, access.scopes, ends_at
        for text, grant, ends_at in self._refresh.newest():
            yield "refresh", str(text), grant, grant.scopes, ends_at
