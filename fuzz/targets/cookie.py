"""The cookie of a transaction: only what we sealed for this place opens, and what opens is a transaction."""

from __future__ import annotations

from fakes import SECRET, Clock, CountingRandom, make_kit, state_of

from authkit.errors import StateInvalid
from authkit.models import Secret
from authkit.seal import Sealer
from authkit.transactions import MemoryClaims, Transaction, Transactions
from fuzz.verdict import read_or_refused

SEEDS = (
    b'["acme","https://app.example/auth/acme/callback",["profile"],"/inbox","login","","the-verifier",1800000000]',
    b'["acme","",[],"/","login","","v",1799999401]',
    b'["other","",[],"/","login","","v",1800000000]',
    b'["acme","",[],"/","link","ada","v",1800000060]',
    b'["acme","",[1],"/","login","","v",1800000000]',
    b'["acme","",[],"/","login","","v",1800000061]',
    b'["acme","",[],"/","login","","v",1799999400]',
)
OURS = {"registration": "acme", "purpose": "login", "bound": ""}
NOW = Clock()()
sealer = Sealer([Secret(SECRET)], "transaction", CountingRandom())
begun = make_kit(random=CountingRandom()).begin("acme")
STATE, [(NAME, GOOD)] = state_of(begun.url), begun.cookies


def read(data: bytes) -> Transaction | None:
    """Return the transaction that `data`, sealed as ours, is the content of: of whatever version it may be."""
    return _claimed(sealer.seal(data, NAME))


def target(data: bytes) -> None:
    """Check what opens, and that the same bytes, sent as the cookie itself, open nothing."""
    text = data.decode("latin-1")
    assert text == GOOD or _claimed(text) is None
    found = read(data)
    if found is None:
        return
    assert (found.registration, found.purpose, found.bound) == ("acme", "login", "")
    assert -60 <= NOW - found.issued_at < 600
    assert Transaction.from_bytes(found.to_bytes()) == found
    assert all(isinstance(text, str) for text in (found.redirect_uri, found.return_to, *found.scope))


def _claimed(cookie: str) -> Transaction | None:
    """Return what a server makes of a cookie, in each of the three places that read one; it is claimed once."""
    clock, cookies = Clock(), {NAME: cookie}
    transactions = Transactions(sealer, MemoryClaims(clock), clock=clock, random=CountingRandom(), secure=True)
    begun = transactions.begun(STATE, cookies)
    transactions.begin(**OURS, redirect_uri="", scope=(), return_to="/", cookies=cookies)

    def claim() -> Transaction | None:
        claimed = read_or_refused(lambda: transactions.claim(STATE, cookies, **OURS), StateInvalid)
        return claimed and claimed[0]

    first, second = claim(), claim()
    assert second is None
    assert first is None or begun == ("login", "")
    return first
