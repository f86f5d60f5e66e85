"""`disturbed`: what a fault makes of an answer; damage to the connection is left to the server, in a `Delivery`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.faults import Fault
from authkit.emulator.messages import Answer
from authkit.emulator.wire import AT_ONCE, Delivery

__all__ = ["Damage", "connecting", "disturbed"]

MEGABYTE = 10**6
HTML = ("Content-Type", "text/html; charset=utf-8")
JSON = ("Content-Type", "application/json")
LOGIN_PAGE = b"<!doctype html><title>Log in</title><form method=post><input name=password type=password></form>"
PLACEHOLDER = "authkit-emulator-placeholder"


@dataclass(frozen=True, slots=True)
class Damage:
    """What is to be done to the answer of an endpoint.

    Attributes:
        fault: the fault.
        error: what the endpoint answers when the provider itself fails.
        identity_fields: the fields of a JSON answer that say who somebody is.
        clock: the emulator's time.
    """

    fault: Fault
    error: Callable[[], Answer]
    identity_fields: frozenset[str]
    clock: AdjustableClock


def connecting(fault: Fault | None) -> Delivery:
    """Return what `fault` does to a connection before the request is processed, which mostly is nothing."""
    if fault is None or fault.kind != "slow-connect":
        return AT_ONCE
    return Delivery(silence=fault.number, is_connecting=True)


def disturbed(work: Callable[[], Answer], damage: Damage) -> Answer:
    """Return the answer to a request that a fault disturbs; `work` processes the request, if the fault lets it."""
    kind = damage.fault.kind
    if kind in INSTEAD:
        return INSTEAD[kind](damage)
    if kind != "skew":
        return AFTERWARDS[kind](work(), damage)
    with damage.clock.skewed(damage.fault.number):
        answer = work()
        return replace(answer, headers=(*answer.headers, ("Date", formatdate(damage.clock(), usegmt=True))))


# Instead of processing the request.


def _fail(damage: Damage) -> Answer:
    status = HTTPStatus(int(damage.fault.kind))
    page = f"<!doctype html><title>{status} {status.phrase}</title><h1>{status.phrase}</h1>"
    return Answer(status, page.encode(), (HTML,))


def _limit_rate(damage: Damage) -> Answer:
    answer = _fail(damage)
    return replace(answer, headers=(*answer.headers, ("Retry-After", damage.fault.text)))


def _redirect(damage: Damage) -> Answer:
    status = 302 if damage.fault.kind == "redirect" else int(damage.fault.kind)
    return Answer(status, headers=(("Location", damage.fault.text),))


INSTEAD: Mapping[str, Callable[[Damage], Answer]] = MappingProxyType(
    {
        **dict.fromkeys(("500", "502", "503", "504"), _fail),
        **dict.fromkeys(("redirect", "301", "303", "307", "308"), _redirect),
        "429": _limit_rate,
        "html": lambda _: Answer(200, LOGIN_PAGE, (HTML,)),
        "html-as-json": lambda _: Answer(200, LOGIN_PAGE, (JSON,)),
        "empty": lambda _: Answer(200, b"", (JSON,)),
        "json": lambda damage: Answer(200, damage.fault.text.encode(), (JSON,)),
        "error-in-200": lambda damage: replace(damage.error(), status=200),
    }
)
"""What answers while the endpoint does not even see the request."""


# After the request was processed.


def _silence(answer: Answer, damage: Damage) -> Answer:
    return replace(answer, delivery=Delivery(silence=damage.fault.number))


def _slow_headers(answer: Answer, damage: Damage) -> Answer:
    return replace(answer, delivery=Delivery(head_pause=damage.fault.number))


def _drip(answer: Answer, damage: Damage) -> Answer:
    return replace(answer, delivery=Delivery(body_pause=damage.fault.number))


def _truncate(answer: Answer, damage: Damage) -> Answer:
    length = int(damage.fault.number) if damage.fault.value else len(answer.body) // 2
    return replace(answer, body=answer.body[:length])


def _inflate(answer: Answer, damage: Damage) -> Answer:
    return replace(answer, body=answer.body.ljust(int(damage.fault.number * MEGABYTE)))


def _compress(answer: Answer, damage: Damage) -> Answer:
    """A gzip file may have any number of members (RFC 1952, section 2.2), so a megabyte is compressed only once."""
    blanks = gzip.compress(b" " * MEGABYTE)
    return replace(
        answer,
        body=gzip.compress(answer.body) + blanks * int(damage.fault.number),
        headers=(*answer.headers, ("Content-Encoding", "gzip")),
    )


def _retype(answer: Answer, damage: Damage) -> Answer:  # noqa: ARG001 - all of these have one signature
    return _rewrite(answer, _retyped)


def _drop_identity(answer: Answer, damage: Damage) -> Answer:
    return _rewrite(answer, lambda data: _without(data, damage.identity_fields))


def _empty_identity(answer: Answer, damage: Damage) -> Answer:
    return _rewrite(answer, lambda data: _with(data, damage.identity_fields, ""))


def _spoil_identity(answer: Answer, damage: Damage) -> Answer:
    """The value goes out as it was written, since Python cannot write each number that JSON has, such as 1e400."""
    marked = _rewrite(answer, lambda data: _with(data, damage.identity_fields, PLACEHOLDER))
    return replace(marked, body=marked.body.replace(f'"{PLACEHOLDER}"'.encode(), damage.fault.text.encode()))


def _mix(answer: Answer, damage: Damage) -> Answer:
    if answer.status >= 400 or answer.verdict:
        return answer
    error = _read(damage.error())
    return _rewrite(answer, lambda data: {**data, **error} if isinstance(data, dict) else data)


AFTERWARDS: Mapping[str, Callable[[Answer, Damage], Answer]] = MappingProxyType(
    {
        "slow-connect": lambda answer, _: answer,
        "silent": _silence,
        "slow-headers": _slow_headers,
        "drip": _drip,
        "reset": lambda answer, _: replace(answer, delivery=Delivery(reset="answer")),
        "reset-headers": lambda answer, _: replace(answer, delivery=Delivery(reset="headers")),
        "reset-body": lambda answer, _: replace(answer, delivery=Delivery(reset="body")),
        "truncated": _truncate,
        "huge": _inflate,
        "gzip-bomb": _compress,
        "wrong-types": _retype,
        "no-id": _drop_identity,
        "empty-id": _empty_identity,
        "bad-id": _spoil_identity,
        "mixed": _mix,
    }
)
"""What becomes of the endpoint's answer. What has to be JSON for it, and is not, stays as it is."""


# JSON.


def _read(answer: Answer) -> Any:
    """Return the JSON of `answer`, None if it is none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _rewrite(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    data = _read(answer)
    if data is None:
        return answer
    return replace(answer, body=json.dumps(change(data), separators=(",", ":")).encode("ascii"))


def _retyped(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _retyped(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_retyped(value) for value in data]
    return len(data) if isinstance(data, str) else json.dumps(data)


def _without(data: Any, names: frozenset[str]) -> Any:
    if isinstance(data, dict):
        return {name: _without(value, names) for name, value in data.items() if name not in names}
    return [_without(value, names) for value in data] if isinstance(data, list) else data


def _with(data: Any, names: frozenset[str], changed: str) -> Any:
    if isinstance(data, dict):
        return {name: changed if name in names else _with(value, names, changed) for name, value in data.items()}
    return [_with(value, names, changed) for value in data] if isinstance(data, list) else data
