"""Tickets: what the link to an app carries instead of a token. One is of use once, for two minutes, to its app."""

from __future__ import annotations

import hmac
import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from authkit.accounts import SqlClaims
from authkit.errors import InvalidRequest, TicketInvalid
from authkit.flow import AuthKit
from authkit.seal import read_values

__all__ = ["Ticket", "Tickets", "check_challenge"]

LIFETIME = 120
CLOCK_SKEW = 60
MAX_TICKET = 2048
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket stands for.

    Attributes:
        account_id: who signed in.
        app: the app that began it.
        registration: with which registration.
        challenge: the S256 challenge of the app that began it; "" where the app gave none.
        issued_at: in seconds since the epoch.
    """

    account_id: str
    app: str
    registration: str
    challenge: str
    issued_at: int


class Tickets:
    """Issues and redeems tickets.

    A ticket is sealed, so no server has to keep it; that it was used stands in the database, for all servers.

    Args:
        kit: has the secrets and the clock.
        claims: remembers what was used.
    """

    def __init__(self, kit: AuthKit, claims: SqlClaims) -> None:
        self._sealer = kit.sealers["ticket"]
        self._clock = kit.clock
        self._claims = claims

    def issue(self, account_id: str, app: str, registration: str, challenge: str) -> str:
        """Return a ticket for an account, good for two minutes."""
        values = [account_id, app, registration, challenge, int(self._clock())]
        content = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        return self._sealer.seal(content.encode("utf-8"), registration)

    def redeem(self, text: str, verifier: str, registration: str) -> Ticket:
        """Return what a ticket stands for, and use it up.

        A wrong verifier does not use it up: whoever stole the link cannot take it from the app either.

        Raises:
            TicketInvalid: it is none, too old, used, of another registration, or the verifier is not the app's.
        """
        ticket = self._open(text, registration)
        age = int(self._clock()) - ticket.issued_at
        if age >= LIFETIME or age < -CLOCK_SKEW:
            raise TicketInvalid(f"the ticket is {age} s old, {LIFETIME} s are allowed")
        challenge = ticket.challenge.encode("utf-8", "replace")
        if not VERIFIER.fullmatch(verifier) or not hmac.compare_digest(_challenge(verifier), challenge):
            raise TicketInvalid("the verifier is not that of the app that began the login")
        # Kept for longer than it is good: a server whose clock is behind must find it claimed until the end.
        if not self._claims.claim(f"ticket:{text}", ticket.issued_at + LIFETIME + CLOCK_SKEW):
            raise TicketInvalid("the ticket was used before")
        return ticket

    def _open(self, text: str, registration: str) -> Ticket:
        try:
            if len(text) <= MAX_TICKET:
                return Ticket(*read_values(self._sealer.open(text, registration), str, str, str, str, int))
        except ValueError:  # not ours, damaged, or written by another version
            pass
        raise TicketInvalid("the ticket is damaged, of another registration, or sealed with another secret")


def check_challenge(challenge: str) -> str:
    """Return the challenge of an app (RFC 7636, section 4.2).

    Raises:
        InvalidRequest: it is no S256 challenge in base64url.
    """
    if not CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("the challenge must be the base64url of a SHA-256, 43 characters long")
    return challenge


def _challenge(verifier: str) -> bytes:
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=")
