"""A delivery to TikTok's webhook, the header in a first line: the signature decides, and what is read makes sense."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from datetime import timedelta

from fakes import Clock, Network
from tiktok_fakes import CLIENT_KEY, CLIENT_SECRET, OPEN_ID, tiktok_kit

from authkit.errors import RequestTooLarge, WebhookRejected
from authkit.events import Received, receive
from fuzz.verdict import read_or_refused

NOW = int(Clock()())
EVENT = {"client_key": CLIENT_KEY, "event": "authorization.removed", "create_time": NOW, "user_openid": OPEN_ID}
BODIES = (
    {**EVENT, "content": '{"reason": 1, "more": {"a": [1.5, null]}}'},
    {**EVENT, "event": "video.publish.completed", "user_openid": None},
    {**EVENT, "event": "a\nb"},
    {**EVENT, "user_openid": "u" * 256},
)
SEEDS = (
    *(f"t={NOW},s={'0' * 64}\n{json.dumps(body)}".encode() for body in BODIES),
    b"s=AB, t=1\n" + json.dumps(EVENT).encode().replace(b"{", b'{"event": "x", '),
)
kit = tiktok_kit(Network())


def read(data: bytes) -> Received | None:
    """Return what is received of the body, once it is signed as it should be."""
    body = data.partition(b"\n")[2]
    return _received(_header(NOW, body), body)


def target(data: bytes) -> None:
    """Check that the signature decides, and what was received with a good one."""
    header, _, body = data.partition(b"\n")
    text = header.decode("latin-1")
    unsigned = _received(text, body)
    assert unsigned is None or any(_mac(at, body) in text.lower() for at in range(NOW - 300, NOW + 61))
    for changed in (_header(NOW - 300, body), _header(NOW + 61, body), _header(NOW, body + b" ")):
        assert _received(changed, body) is None
    received = read(data)
    if received is not None:
        _check(received, body)


def _check(received: Received, body: bytes) -> None:
    event = received.event
    assert (event.registration, event.client) == ("tiktok", CLIENT_KEY)
    assert event.subject.strip() or not event.ends_authorization
    assert event.created_at.utcoffset() == timedelta()
    assert not received.is_late
    for text in (event.name, event.subject, event.reason):
        assert len(text) <= 255
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text)
    retried = _in_another_order(body)
    again = _received(_header(NOW - 1, retried), retried)
    assert again is not None
    assert (again.event, again.key) == (event, received.key)


def _in_another_order(body: bytes) -> bytes:
    """Return what says the same, its members the other way round; none of them may be there twice."""
    members: list[tuple[str, object]] = json.loads(body, object_pairs_hook=list, parse_float=str)
    assert len(dict(members)) == len(members)
    said = dict(reversed(json.loads(body, parse_float=str).items()))
    if said.get("content"):
        content = json.loads(said["content"])
        said["content"] = json.dumps(dict(reversed(content.items())))
    written = json.dumps(said).encode()
    return body if b"Infinity" in written else written  # which is no JSON, unlike the 1e400 that it was read from


def _received(header: str, body: bytes) -> Received | None:
    call = lambda: receive(kit, "tiktok", {"TikTok-Signature": header}, body)  # noqa: E731 - said once, used once
    return read_or_refused(call, RequestTooLarge, WebhookRejected, secrets=(CLIENT_SECRET,))


def _header(signed_at: int, body: bytes) -> str:
    return f"t={signed_at},s={_mac(signed_at, body)}"


def _mac(signed_at: int, body: bytes) -> str:
    return hmac.new(CLIENT_SECRET.encode(), b"%d.%b" % (signed_at, body), hashlib.sha256).hexdigest()
