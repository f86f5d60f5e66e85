"""`Webhooks`: tells apps what happened to them, again and again until they have understood."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from threading import Event as Signal
from threading import Lock, Thread
from typing import TYPE_CHECKING

from authkit.emulator import Switchboard
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.events import REMOVED, Event, sign
from authkit_tiktok.emulator.switches import TikTokSwitches

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

__all__ = ["Attempt", "Webhooks"]

FIRST_RETRY = 10
GIVING_UP = 72 * 3600
TIMEOUT = 5
STALENESS = 86400
MOST_WAITING = MOST_ATTEMPTS = 1000
POLL = 1.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of an event.

    Attributes:
        at: the emulator's time, in seconds since 1970.
        event: what the app was told.
        status: the HTTP status of its answer, 0 when it gave none. Anything but 200 is a failure.
    """

    at: float
    event: Event
    status: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that an app has not acknowledged: `tried` so many times, and to be sent again at `due_at`."""

    event: Event
    tried: int
    due_at: float
    ends_at: float

    def tried_at(self, now: float) -> Waiting | None:
        """Return what waits if an attempt at the time `now` fails; None when it was the last."""
        again = replace(self, tried=self.tried + 1, due_at=now + FIRST_RETRY * 2**self.tried)
        return again if again.due_at <= self.ends_at else None


class Webhooks:
    """The webhooks of an emulator ("Webhooks overview").

    An app is told by POST. An answer other than 200 is a failure, and the event is sent again after 10 seconds, 20
    seconds and so on, until 72 hours have gone by; TikTok documents the doubling and the end, not the first pause.
    Every attempt is signed anew. At most 1,000 events wait; the oldest makes room.

    Args:
        clock: the time, in seconds since 1970.
        switches: how the deliveries are signed, and how many there are.
        transport: what takes the requests to the apps; None for the network.
        in_background: whether a thread delivers what is due, from the first event on and as long as any waits.
            Otherwise nothing is sent but by `deliver`.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        switches: Switchboard[TikTokSwitches],
        transport: BaseAdapter | None,
        *,
        in_background: bool,
    ) -> None:
        self._clock = clock
        self._switches = switches
        self._transport = transport
        self._in_background = in_background
        self._numbers = count()
        self._waiting: dict[int, Waiting] = {}
        self._attempts: deque[Attempt] = deque(maxlen=MOST_ATTEMPTS)
        self._lock = Lock()
        self._is_working = False
        self._arrival = Signal()

    @property
    def waiting(self) -> Sequence[Event]:
        """What is yet to be acknowledged, oldest first."""
        with self._lock:
            return tuple(waiting.event for waiting in self._waiting.values())

    @property
    def attempts(self) -> Sequence[Attempt]:
        """What was sent, oldest first, the last thousand."""
        return tuple(self._attempts)

    def remove(self, app: App, open_id: str, reason: int) -> None:
        """Tell an app that a user's authorization has ended.

        Args:
            app: the app.
            open_id: the user.
            reason: 0 for unknown, 1 when the user disconnected the app, 2 when the account was deleted, 3 when its
                age changed, 4 when it was banned, 5 when the app revoked ("Webhook events").
        """
        self.queue(app, REMOVED, open_id, {"reason": reason})

    def queue(self, app: App, name: str, open_id: str, content: Mapping[str, str | int]) -> None:
        """Queue an event for an app, if it has a webhook URL; it returns at once."""
        if not app.webhook_url:
            return
        now = self._clock()
        event = Event(app, name, int(now), open_id, content)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[next(self._numbers)] = Waiting(event, 0, now, now + GIVING_UP)
            is_first = self._in_background and not self._is_working
            self._is_working = self._is_working or is_first
        self._arrival.set()
        if is_first:
            Thread(target=self._work, name="tiktok-webhooks", daemon=True).start()

    def deliver(self) -> int:
        """Send what is due, and return how many requests that took."""
        sent = 0
        for number, event in self._take_due():
            for _ in range(2 if self._switches.now.webhook_copies else 1):
                status = self._send(event)
                self._attempts.append(Attempt(self._clock(), event, status))
                sent += 1
                if status == 200:
                    self._forget(number)
        return sent

    def _take_due(self) -> Sequence[tuple[int, Event]]:
        """Return what is due. It waits for its next attempt from now on, or is dropped when this is its last."""
        now = self._clock()
        with self._lock:
            due = {number: waiting for number, waiting in self._waiting.items() if waiting.due_at <= now}
            again = {number: waiting.tried_at(now) for number, waiting in due.items()}
            self._waiting |= {number: waiting for number, waiting in again.items() if waiting}
            for number in [number for number, waiting in again.items() if not waiting]:
                del self._waiting[number]
        return [(number, waiting.event) for number, waiting in due.items() if now <= waiting.ends_at]

    def _forget(self, number: int) -> None:
        with self._lock:
            self._waiting.pop(number, None)

    def _send(self, event: Event) -> int:
        """Send an event once, and return the status of the answer, 0 for none. Redirects are not followed."""
        from requests import Request
        from requests.adapters import HTTPAdapter
        from urllib3.exceptions import HTTPError

        mode = self._switches.now.webhooks
        signed_at = int(self._clock()) - (STALENESS if mode == "stale" else 0)
        signature = sign(event.app.client_secret, signed_at, event.body())
        request = Request(
            "POST",
            event.app.webhook_url,
            headers={"Content-Type": "application/json", "TikTok-Signature": signature},
            data=(event.forged() if mode == "tampered" else event).body(),
        )
        self._transport = self._transport or HTTPAdapter()
        try:
            response = self._transport.send(request.prepare(), timeout=(TIMEOUT, TIMEOUT), proxies={})
        except (OSError, HTTPError):
            return 0
        response.close()
        return response.status_code

    def _work(self) -> None:
        while self._has_work():
            self._arrival.wait(POLL)
            self._arrival.clear()
            self.deliver()

    def _has_work(self) -> bool:
        with self._lock:
            self._is_working = bool(self._waiting)
            return self._is_working
