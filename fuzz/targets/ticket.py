"""The ticket of a native app, as it comes in a JSON body: only ours opens, with its own verifier, once."""

from __future__ import annotations

import json
from dataclasses import replace

from fakes import SECRET, Clock, CountingRandom, make_kit
from native_world import CHALLENGE, VERIFIER

from authkit.errors import TicketInvalid
from authkit.models import Secret
from authkit.native.tickets import Ticket, Tickets
from authkit.seal import Sealer
from authkit.transactions import MemoryClaims
from fuzz.verdict import read_or_refused

SEEDS = tuple(
    f'["{account}","phone","acme","{challenge}",{issued_at}]'.encode()
    for account, challenge, issued_at in [
        ("ada", CHALLENGE, 1800000000),
        ("é", CHALLENGE, 1799999881),
        ("ada", CHALLENGE, 1799999880),
        ("ada", CHALLENGE, 1800000061),
        ("ada", "", 1800000000),
    ]
)
NOW = Clock()()
kit = replace(make_kit(), random=CountingRandom())
sealer = Sealer([Secret(SECRET)], "ticket", CountingRandom())


def read(data: bytes) -> Ticket | None:
    """Return the ticket that `data`, sealed as ours, is the content of: of whatever version it may be."""
    return _redeemed(sealer.seal(data, "acme"), VERIFIER)


def target(data: bytes) -> None:
    """Check what is redeemed, and that the same bytes, sent as ticket or as verifier, redeem nothing."""
    text = data.decode("latin-1")
    assert _redeemed(text, VERIFIER) is None
    assert text == VERIFIER or _redeemed(sealer.seal(SEEDS[0], "acme"), text) is None
    found = read(data)
    if found is None:
        return
    assert found.challenge == CHALLENGE
    assert -60 <= NOW - found.issued_at < 120
    assert all(isinstance(text, str) for text in (found.account_id, found.app, found.registration))
    again = [found.account_id, found.app, found.registration, found.challenge, found.issued_at]
    assert read(json.dumps(again).encode()) == found


def _redeemed(ticket: str, verifier: str) -> Ticket | None:
    """Return what a server with nothing in its memory makes of a ticket; it is redeemed once."""
    tickets = Tickets(kit, MemoryClaims(Clock()))  # type: ignore[arg-type]  # in the place of a table

    def redeem() -> Ticket | None:
        return read_or_refused(lambda: tickets.redeem(ticket, verifier, "acme"), TicketInvalid)

    first, second = redeem(), redeem()
    assert second is None
    return first
