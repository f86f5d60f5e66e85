"""`Event`: what TikTok tells an app by webhook, and how it signs that."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from authkit_tiktok.emulator.app import App

__all__ = ["EXAMPLE_CONTENTS", "REMOVED", "Event", "sign"]

REMOVED = "authorization.removed"
EXAMPLE_CONTENTS: Mapping[str, Mapping[str, str | int]] = MappingProxyType(
    {
        REMOVED: {"reason": 1},
        "video.upload.failed": {"share_id": "video.6974245311675353080.VDCxrcMJ"},
        "video.publish.completed": {"share_id": "video.6974245311675353080.VDCxrcMJ"},
        "portability.download.ready": {"request_id": 7400000000000000009},
    }
)
"""Every documented event with a content as it has it ("Webhook events")."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that TikTok tells an app ("Webhook events").

    Attributes:
        app: the app that is told.
        name: such as ``authorization.removed``.
        create_time: when it happened, in seconds since 1970.
        open_id: whom it is about; "" where the event names nobody, as ``portability.download.ready`` does.
        content: what there is to know.
    """

    app: App
    name: str
    create_time: int
    open_id: str
    content: Mapping[str, str | int] = field(repr=False)

    def body(self) -> bytes:
        """Return the envelope. Its ``content`` is a JSON document within a string."""
        envelope = {
            "client_key": self.app.client_key,
            "event": self.name,
            "create_time": self.create_time,
            "user_openid": self.open_id,
            "content": json.dumps(dict(self.content), separators=(",", ":")),
        }
        if not self.open_id:
            del envelope["user_openid"]
        return json.dumps(envelope, separators=(",", ":")).encode("ascii")

    def forged(self) -> Event:
        """Return another event, for which the signature of this one is not good."""
        return replace(self, create_time=self.create_time + 1)


def sign(secret: str, at: int, body: bytes) -> str:
    """Return the value of ``TikTok-Signature`` for `body`, sent at the time `at` ("Webhook verification").

    It is the HMAC-SHA256, in hex, of the time, a full stop and the body, under the client secret.
    """
    signature = hmac.new(secret.encode("utf-8"), b"%d." % at + body, hashlib.sha256)
    return f"t={at},s={signature.hexdigest()}"
