"""Transactions: one login attempt each, sealed into a cookie of its own, claimed once.

Nothing is stored on the server while the user is at the provider: the browser carries the sealed transaction.
The cookie's name is made from the state, so the callback finds it, several tabs do not disturb each other, and
another browser does not have it (RFC 6749, section 10.12; RFC 9700, section 4.7).
"""

from __future__ import annotations

import json
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Protocol
from urllib.parse import quote

from authkit import pkce
from authkit.cookies import Cookie
from authkit.errors import AuthkitError, RateLimited, StateInvalid, StoreUnavailable
from authkit.models import Secret
from authkit.seal import Sealer, read_values

__all__ = ["ClaimStore", "MemoryClaims", "Transaction", "Transactions", "local_path"]

LIFETIME = 600
CLOCK_SKEW = 60
LONGEST_CLAIM = LIFETIME + 2 * CLOCK_SKEW
"""Seconds to the end of any claim that guards what is good now: begun a minute from now, kept a minute more."""
MAX_COOKIES = 10
MAX_COOKIE_BYTES = 4096
MAX_CLEARED = 50
MAX_RETURN_TO = 512
MAX_CLAIMS = 100_000
KEPT_IN_PATHS = "".join(map(chr, range(0x21, 0x7F))).replace('"', "")


def local_path(value: str | None, default: str = "/") -> str:
    """Return `value` if it is a path on our own origin, else `default`.

    Allowed is what starts with ``/`` but not with ``//``, has no backslash and no control character, and is at
    most 512 bytes long. Blanks, quotation marks and characters beyond ASCII come back percent-encoded.
    """
    if not value or value[0] != "/" or value.startswith("//") or "\\" in value:
        return default
    if any(char < " " or char == "\x7f" for char in value):
        return default
    try:
        path = quote(value, safe=KEPT_IN_PATHS)
    except UnicodeEncodeError:
        return default
    return path if len(path) <= MAX_RETURN_TO else default


class ClaimStore(Protocol):
    """Remembers what was used, so that nothing is used twice."""

    def claim(self, key: str, expires_at: float) -> bool:
        """Claim `key` until `expires_at` (seconds since the epoch); False if it is claimed already.

        Two calls at the same moment, in whatever thread or process, never both get True.

        Raises:
            RateLimited: no room for another claim.
            StoreUnavailable: the store cannot be reached.
        """
        ...


class MemoryClaims:
    """Claims of this process; nothing is kept across processes, nor over a restart.

    A claim is forgotten once it has expired, and never before, but for one case: while a clock is ahead, claims are
    made that end when no claim made by the right time can. Where these leave no room, they are forgotten: what they
    guard is refused for being of the future.

    Args:
        clock: the time, in seconds since the epoch.
        capacity: how many claims are remembered.
    """

    def __init__(self, clock: Callable[[], float], capacity: int = MAX_CLAIMS) -> None:
        self._clock = clock
        self._capacity = capacity
        self._claims: set[str] = set()
        self._by_end: list[tuple[float, str]] = []  # a heap: what ends first is found at once, whenever it came
        self._last_end = 0.0
        self._lock = threading.Lock()

    def claim(self, key: str, expires_at: float) -> bool:
        """See `ClaimStore.claim`."""
        with self._lock:
            now = self._clock()
            self._forget_expired(now)
            if key in self._claims:
                return False
            if len(self._claims) >= self._capacity:
                self._forget_future(now)
            if len(self._claims) >= self._capacity:
                raise RateLimited("the memory store of claims is full")
            self._claims.add(key)
            heappush(self._by_end, (expires_at, key))
            self._last_end = max(self._last_end, expires_at)
            return True

    def _forget_expired(self, now: float) -> None:
        while self._by_end and self._by_end[0][0] <= now:
            self._claims.remove(heappop(self._by_end)[1])

    def _forget_future(self, now: float) -> None:
        """Forget what no transaction that is good now, or was, can have claimed: see `Transactions.claim`."""
        if self._last_end <= now + LONGEST_CLAIM:  # so a full store costs no search, however often it is asked
            return
        self._by_end = [(end, key) for end, key in self._by_end if end <= now + LONGEST_CLAIM]
        heapify(self._by_end)
        self._claims = {key for _, key in self._by_end}
        self._last_end = max((end for end, _ in self._by_end), default=0.0)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One login attempt under way.

    Attributes:
        registration: the name of the registration that it was started with.
        redirect_uri: the redirect URI of its authorization request.
        scope: what was asked for.
        return_to: the local path to go to afterwards.
        purpose: what the login is for: ``login``, ``link`` or ``native``.
        bound: what it is bound to besides the browser, such as the account that a link is for.
        code_verifier: the PKCE verifier.
        issued_at: when it began, in seconds since the epoch.
    """

    registration: str
    redirect_uri: str
    scope: tuple[str, ...]
    return_to: str
    purpose: str
    bound: str
    code_verifier: Secret = field(repr=False)
    issued_at: int

    def to_bytes(self) -> bytes:
        """Return the transaction as JSON, as short as a cookie wants it."""
        values = [self.registration, self.redirect_uri, list(self.scope), self.return_to, self.purpose, self.bound]
        return json.dumps([*values, self.code_verifier.reveal(), self.issued_at], separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Transaction:
        """Return the transaction that `to_bytes` wrote.

        Raises:
            ValueError: it is none: another version has written it.
        """
        values = read_values(content, str, str, list, str, str, str, str, int)
        registration, redirect_uri, scope, return_to, purpose, bound, verifier, issued_at = values
        if not all(isinstance(word, str) for word in scope):
            raise ValueError("a word of the scope is no text")
        return cls(registration, redirect_uri, tuple(scope), return_to, purpose, bound, Secret(verifier), issued_at)


class Transactions:
    """Begins transactions and claims them.

    Args:
        sealer: seals the cookies.
        claims: remembers which transactions were used.
        clock: the time, in seconds since the epoch.
        random: returns as many random bytes as it is asked for.
        secure: whether the app is served over https: the cookies are then ``__Host-`` and ``Secure``.
    """

    def __init__(
        self,
        sealer: Sealer,
        claims: ClaimStore,
        *,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        secure: bool,
    ) -> None:
        self._sealer = sealer
        self._claims = claims
        self._clock = clock
        self._random = random
        self._secure = secure
        self._prefix = "__Host-authkit-" if secure else "authkit-"

    def begin(
        self,
        *,
        registration: str,
        redirect_uri: str,
        scope: tuple[str, ...],
        return_to: str,
        purpose: str,
        bound: str,
        cookies: Mapping[str, str],
    ) -> tuple[str, Transaction, tuple[Cookie, ...]]:
        """Begin a transaction.

        Returns:
            the state, the transaction, and the cookies to set: the transaction's own, and the oldest of those in
            `cookies` cleared where there are more than 10, or more than 4 KiB, in all.

        Raises:
            ValueError: the transaction is too long for a cookie, which a browser would drop without a word.
        """
        state = urlsafe_b64encode(self._random(32)).rstrip(b"=").decode("ascii")
        verifier = Secret(pkce.new_verifier(self._random))
        now = int(self._clock())
        transaction = Transaction(registration, redirect_uri, scope, return_to, purpose, bound, verifier, now)
        name = self._cookie_name(state)
        cookie = Cookie(name, self._sealer.seal(transaction.to_bytes(), name), LIFETIME, self._secure)
        if len(name) + len(cookie.value) > MAX_COOKIE_BYTES:
            raise ValueError("the scope, the redirect URI and the bound value are too long for one cookie")
        return state, transaction, (cookie, *islice(self._drop_oldest(cookies, cookie), MAX_CLEARED))

    def claim(
        self, state: str, cookies: Mapping[str, str], *, registration: str, purpose: str, bound: str
    ) -> tuple[Transaction, Cookie]:
        """Open the transaction that `state` names and claim it.

        Returns:
            the transaction, and the cleared cookie.

        Raises:
            StateInvalid: there is none in this browser, it was used, it is too old, or it was begun for another
                registration, purpose or bound value. The reason says which.
        """
        if not state:
            raise StateInvalid("the callback has no state")
        name = self._cookie_name(state)
        if not cookies.get(name):
            raise StateInvalid(
                "this browser has no cookie for the state: another browser or host, too late, or loaded again"
            )
        try:
            transaction = Transaction.from_bytes(self._sealer.open(cookies[name], name))
        except ValueError:  # not ours, damaged, or written by another version
            transaction = None
        if transaction is None:
            raise self._cleared(StateInvalid("the cookie is damaged, or sealed with another secret"), name)
        self._check(transaction, registration, purpose, bound, name)
        # Beyond its own end: a server whose clock is slow takes it for that much longer.
        if not self._claim(name, transaction.issued_at + LIFETIME + CLOCK_SKEW):
            raise self._cleared(StateInvalid("the state was used before: a replay, or a reloaded callback"), name)
        return transaction, self._clear(name)

    def begun(self, state: str, cookies: Mapping[str, str]) -> tuple[str, str]:
        """Return the purpose and the bound value of the transaction that `state` names, without claiming it.

        Both are "" if this browser has none.
        """
        name = self._cookie_name(state)
        try:
            transaction = Transaction.from_bytes(self._sealer.open(cookies.get(name, ""), name))
        except ValueError:
            return "", ""
        return transaction.purpose, transaction.bound

    def claimed_in(self, claims: ClaimStore) -> Transactions:
        """Return the same, with another store of claims."""
        return Transactions(
            self._sealer, claims, clock=self._clock, random=self._random, secure=self._prefix.startswith("__Host-")
        )

    def timed_by(self, clock: Callable[[], float]) -> Transactions:
        """Return the same, with another clock. The store of claims keeps its own."""
        return Transactions(
            self._sealer, self._claims, clock=clock, random=self._random, secure=self._prefix.startswith("__Host-")
        )

    def _claim(self, name: str, expires_at: float) -> bool:
        try:
            return self._claims.claim(name, expires_at)
        except AuthkitError:
            raise
        except Exception as exc:  # noqa: BLE001 - a store is somebody else's code, and a login must fail closed
            failure = StoreUnavailable(f"the store of claims raised {type(exc).__name__}")
        raise failure

    def _check(self, transaction: Transaction, registration: str, purpose: str, bound: str, name: str) -> None:
        age = int(self._clock()) - transaction.issued_at
        if age >= LIFETIME or age < -CLOCK_SKEW:
            raise self._cleared(StateInvalid(f"the login was begun {age} s ago, {LIFETIME} s are allowed"), name)
        if transaction.registration != registration:
            raise StateInvalid(f"the state belongs to a login with {transaction.registration!r}")
        if transaction.purpose != purpose or transaction.bound != bound:
            raise StateInvalid(f"the state is for purpose {transaction.purpose!r}, or bound to another value")

    def _cookie_name(self, state: str) -> str:
        return self._prefix + sha256(state.encode("utf-8", "replace")).hexdigest()[:32]

    def _is_ours(self, name: str) -> bool:
        return re.fullmatch(f"{self._prefix}[0-9a-f]{{32}}", name) is not None

    def _clear(self, name: str) -> Cookie:
        return Cookie(name, "", 0, self._secure)

    def _cleared(self, error: StateInvalid, name: str) -> StateInvalid:
        error.cookies = (self._clear(name),)
        return error

    def _drop_oldest(self, cookies: Mapping[str, str], newest: Cookie) -> Iterable[Cookie]:
        """Clear what does not open, what has expired, and the oldest beyond the limits of number and size."""
        kept: list[tuple[int, str]] = []
        for name, value in cookies.items():
            if value and self._is_ours(name):
                issued_at = self._issued_at(name, value)
                if issued_at is None:
                    yield self._clear(name)
                else:
                    kept.append((issued_at, name))
        size = len(newest.name) + len(newest.value)
        for number, (_, name) in enumerate(sorted(kept, reverse=True), start=1):
            size += len(name) + len(cookies[name])
            if number >= MAX_COOKIES or size > MAX_COOKIE_BYTES:
                yield self._clear(name)

    def _issued_at(self, name: str, value: str) -> int | None:
        try:
            issued_at = Transaction.from_bytes(self._sealer.open(value, name)).issued_at
        except ValueError:
            return None
        return issued_at if int(self._clock()) - issued_at < LIFETIME else None
