"""`QrCodes`: the QR codes that people log in with, and how far each login has come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from authkit.emulator import Shelf, Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.switches import TikTokSwitches
from authkit_tiktok.emulator.user import User

__all__ = ["QrCode", "QrCodes", "QrStatus"]

QrStatus = Literal["new", "scanned", "confirmed", "utilised", "expired"]
PLACEHOLDER = "tobefilled"
LONGEST_TICKET = 511
REMEMBERED = 86400


@dataclass(frozen=True, slots=True)
class QrCode:
    """A login by QR code.

    Attributes:
        app: the app that shows the code.
        scopes: what the app asks for; from ``confirmed`` on, what the user allowed.
        state: what the app wants back.
        ends_at: when the code is of no use any longer, unless its login is over.
        status: how far the login has come.
        ticket: what the app has put into the code's address, known when it is scanned.
        user: who confirmed.
    """

    app: App
    scopes: tuple[str, ...]
    state: str = field(repr=False)
    ends_at: float
    status: QrStatus = "new"
    ticket: str = field(default="", repr=False)
    user: User | None = None


class QrCodes:
    """The QR codes of an emulator ("QR code authorization").

    They are scanned by threads that answer no request, so they have a lock of their own.

    Args:
        clock: the time, in seconds since 1970.
        switches: say how long a code lives.
    """

    def __init__(self, clock: Callable[[], float], switches: Switchboard[TikTokSwitches]) -> None:
        self._clock = clock
        self._switches = switches
        self._codes: Shelf[QrCode] = Shelf(clock)
        self._lock = Lock()

    def add(self, token: str, app: App, scopes: tuple[str, ...], state: str) -> str:
        """Return the address that the app makes a QR code of, once it has put its ticket in; `token` is the app's."""
        code = QrCode(app, scopes, state, self._clock() + self._switches.now.qr_lifetime)
        with self._lock:
            self._keep(_name(token), code)
        query = {
            "authType": "100",
            "client_key": app.client_key,
            "client_ticket": PLACEHOLDER,
            "scope": ",".join(scopes),
            "qrcode": _name(token),
        }
        return f"aweme://authorize?{urlencode(query, safe=',')}"

    def check(self, token: str, app: App) -> QrCode | None:
        """Return how far a login has come, None for none of the app's. That it is confirmed is said once."""
        with self._lock:
            code = self._codes.get(_name(token))
            if code is None or code.app.client_key != app.client_key:
                return None
            code = self._as_of_now(code)
            if code.status == "confirmed":
                self._keep(_name(token), replace(code, status="utilised"))
            return code

    def scan(self, url: str) -> None:
        """Open a QR code in the TikTok app.

        Raises:
            ValueError: it is none, it has no proper ticket, or it is not new.
        """
        name, ticket = _read(url)
        if ticket in {"", PLACEHOLDER}:
            raise ValueError(f"the app has to put its client_ticket in place of {PLACEHOLDER!r}")
        if len(quote(ticket, safe="")) > LONGEST_TICKET:
            raise ValueError(f"an encoded client_ticket has at most {LONGEST_TICKET} characters")
        with self._lock:
            self._keep(name, replace(self._find(name, "new"), status="scanned", ticket=ticket))

    def confirm(self, url: str, user: User, scopes: Sequence[str] | None) -> None:
        """Approve, in the TikTok app, what was scanned; `scopes` None for all that the app asks for.

        Raises:
            ValueError: it was not scanned, the app does not ask for that, or the user cannot log in to it.
        """
        with self._lock:
            name, _ = _read(url)
            code = self._find(name, "scanned")
            allowed = code.scopes if scopes is None else tuple(scopes)
            if unknown := set(allowed) - set(code.scopes):
                raise ValueError(f"the app does not ask for {', '.join(sorted(unknown))}")
            if not code.app.admits(user.username):
                raise ValueError(f"{user.username!r} is no target user of the sandbox")
            self._keep(name, replace(code, status="confirmed", user=user, scopes=allowed))

    def _find(self, name: str, wanted: QrStatus) -> QrCode:
        code = self._codes.get(name)
        if code is None:
            raise ValueError("this is not the address of a QR code of the emulator")
        if (status := self._as_of_now(code).status) != wanted:
            raise ValueError(f"the QR code is {status}, not {wanted}")
        return code

    def _as_of_now(self, code: QrCode) -> QrCode:
        """Return the code as expired, if it is; the ticket is no longer told then."""
        if code.status == "utilised" or self._clock() < code.ends_at:
            return code
        return replace(code, status="expired", ticket="")

    def _keep(self, name: str, code: QrCode) -> None:
        self._codes.put(name, code, code.ends_at + REMEMBERED)


def _name(token: str) -> str:
    """Return what stands for an app's token in the QR code, where everybody can read it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:32]


def _read(url: str) -> tuple[str, str]:
    query = dict(parse_qsl(urlsplit(url).query))
    return query.get("qrcode", ""), query.get("client_ticket", "")
