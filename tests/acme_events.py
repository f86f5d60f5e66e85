"""Webhooks of the fake provider: how it signs and writes them, for tests that are about no real provider."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from fakes import CLIENT_SECRET, acme

from authkit import ProviderEvent, Secret
from authkit.errors import WebhookRejected

NOW = 1_800_000_000
"""What the fakes' clock says at first."""


class AcmeEvents:
    """Reads what Acme sends: ``Acme-Signature: <time>.<hex>``, and a flat JSON object. It notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def verify(self, headers: Mapping[str, str], body: bytes, client_secret: Secret) -> int:
        self.asked.append("verify")
        signed_at, _, mac = headers.get("acme-signature", "").partition(".")
        if not hmac.compare_digest(_mac(signed_at, body, client_secret.reveal()).encode(), mac.encode()):
            raise WebhookRejected("the signature is wrong")
        return int(signed_at)

    def read(self, body: bytes) -> ProviderEvent:
        self.asked.append("read")
        said: Any = json.loads(body)
        return ProviderEvent(
            name=said["name"],
            client=said["client"],
            subject=said.get("subject", ""),
            created_at=datetime.fromtimestamp(said["at"], timezone.utc),
            ends_authorization=said["name"] == "gone",
            reason=said.get("reason", ""),
            content=said.get("content", {}),
        )


telling = replace(acme, events=AcmeEvents())
"""Acme, with webhooks."""


def event_body(name: str = "gone", **changes: Any) -> bytes:
    """Return the body of an event."""
    usual = {"name": name, "client": "acme-client", "subject": "user-1", "at": NOW}
    return json.dumps({**usual, **changes}).encode()


def signed(body: bytes, at: int = NOW, secret: str = CLIENT_SECRET) -> dict[str, str]:
    """Return the headers that go with a body."""
    return {"Acme-Signature": f"{at}.{_mac(str(at), body, secret)}"}


def _mac(signed_at: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), signed_at.encode() + b"." + body, "sha256").hexdigest()
