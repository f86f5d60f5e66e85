"""Provider events: what comes to a webhook is verified and read by the provider's plugin, and judged here.

Nothing is remembered here: who wants each event to count once remembers its key, see `authkit.accounts.inbox`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timezone
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import quote

from authkit.audit import write_failure, write_success
from authkit.errors import AuthkitError, ProviderProtocolError, RequestTooLarge, UnknownProvider, WebhookRejected
from authkit.flow import AuthKit
from authkit.models import ProviderEvent
from authkit.provider import EventReader
from authkit.registration import Registration
from authkit.replies import OF_A_FUNCTION, guarded

__all__ = ["MAX_BODY", "Received", "accepted", "receive", "rejected"]

MAX_BODY = 65_536
"""How long the body of a delivery may be, in bytes."""
MAX_AHEAD = 60
MAX_LATE = 7 * 24 * 3600
"""How late a delivery may be where late ones are taken, in seconds: providers give up long before."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Received:
    """An event that is the provider's, whether it came before or not.

    Attributes:
        event: what the provider says.
        key: what tells it from every other event: the same each time that it is delivered, however it is signed.
        is_late: whether its signature is older than ``authkit.webhook.tolerance``.
        correlation_id: the id of this delivery in the log.
    """

    event: ProviderEvent
    key: str
    is_late: bool
    correlation_id: str


def receive(kit: AuthKit, name: str, headers: Mapping[str, str], body: bytes) -> Received:
    """Return the event that a webhook was told.

    Of the body, nothing is read before the provider's plugin has found its signature good.

    Args:
        kit: knows the registrations.
        name: the registration whose webhook it is.
        headers: the headers of the request; their names in whatever case.
        body: the body as it came, byte for byte.

    Raises:
        UnknownProvider: there is no such registration, or its provider sends no events.
        RequestTooLarge: the body is longer than 64 KiB.
        WebhookRejected: the signature is missing, wrong or too old, or the event makes no sense or is for another
            client. The reason says which.
    """
    try:
        registration, reader = _reader(kit, name)
        if len(body) > MAX_BODY:
            raise RequestTooLarge(f"the body is longer than {MAX_BODY} bytes")
        if not registration.client_secret:
            raise WebhookRejected("the registration has no client secret, so that anybody could sign")
        signed_at = _read(int, lambda: reader.verify(_in_lower_case(headers), body, registration.client_secret))
        is_late = _is_late(kit, signed_at)
        event = replace(_read(ProviderEvent, lambda: reader.read(body)), registration=name)
        _check(event, registration)
        return Received(event, _read(str, lambda: _key(event)), is_late, secrets.token_hex(8))
    except AuthkitError as error:
        error.registration = name
        raise


def accepted(kit: AuthKit, received: Received, *, is_new: bool) -> None:
    """Write the audit line of a delivery that was taken. An adapter calls it."""
    event = received.event
    details = {
        "event": quote(event.name, safe=""),  # a blank in it could forge a field
        "new": "yes" if is_new else "no",
        "late": "yes" if received.is_late else "no",
    }
    provider = kit.registrations[event.registration].provider.name
    write_success(provider, event.registration, received.correlation_id, details)


def rejected(kit: AuthKit, error: AuthkitError) -> None:
    """Write the audit line of a delivery that was refused, or failed. An adapter calls it."""
    write_failure(error, kit.registrations.get(error.registration), {"event": "-"})


def _reader(kit: AuthKit, name: str) -> tuple[Registration, EventReader]:
    registration = kit.registrations.get(name)
    reader: EventReader | None = getattr(registration.provider, "events", None) if registration else None
    if registration is None or reader is None:
        raise UnknownProvider(f"no registration is named {name!r}, or its provider sends no events")
    return registration, reader


def _read(kind: type[T], call: Callable[[], T]) -> T:
    """Return what a plugin reads in a delivery; anything but a `kind` means that it makes no sense."""
    try:
        answer: object = guarded(call, OF_A_FUNCTION)
    except ProviderProtocolError as exc:
        failure = WebhookRejected(exc.reason)
    else:
        if isinstance(answer, kind) and not isinstance(answer, bool):
            return answer
        failure = WebhookRejected(f"the plugin returned a {type(answer).__name__}, not a {kind.__name__}")
    raise failure


def _in_lower_case(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers by their names in lower case; of one that is there twice, both (RFC 9110, section 5.3)."""
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        known = lowered.get(name.lower())
        lowered[name.lower()] = value if known is None else f"{known}, {value}"
    return lowered


def _is_late(kit: AuthKit, signed_at: int) -> bool:
    """Whether a signature is older than it may be, where such are taken."""
    tolerance, accepts_late = kit.parts["webhook"]["tolerance"], kit.parts["webhook"]["accept_late"]
    age = int(kit.clock()) - signed_at
    if age < -MAX_AHEAD:
        raise WebhookRejected("it was signed in the future: a clock is wrong")
    if age >= (max(tolerance, MAX_LATE) if accepts_late else tolerance):
        raise WebhookRejected(f"it was signed too long ago; authkit.webhook.tolerance is {tolerance} s")
    return bool(age >= tolerance)


def _check(event: ProviderEvent, registration: Registration) -> None:
    if event.client != registration.client_id:
        raise WebhookRejected("the event is for another client")
    if event.ends_authorization and not event.subject.strip():
        raise WebhookRejected("the event ends the authorization of nobody")


def _key(event: ProviderEvent) -> str:
    """Return what tells an event from every other: all that it says. A retry may be signed at another time."""
    said: list[Any] = [
        event.registration,
        event.client,
        event.name,
        event.subject,
        event.created_at.astimezone(timezone.utc).isoformat(),
        event.content,
    ]
    return sha256(json.dumps(said, sort_keys=True, default=str).encode("ascii")).hexdigest()
