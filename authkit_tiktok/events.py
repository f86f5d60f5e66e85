"""TikTok's webhooks: how they are signed, and what they say (Webhook verification; Webhook events)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from authkit import ProviderEvent, Secret, parse_json
from authkit.errors import WebhookRejected

__all__ = ["TikTokEvents"]

HEADER = "tiktok-signature"
REMOVED = "authorization.removed"
REASONS = (
    "unknown",
    "the user disconnected the app",
    "the user's account was deleted",
    "the user's age changed",
    "the user's account was banned",
    "the developer revoked the authorization",
)
LAST_SECOND = 253_402_300_799  # of the year 9999


class TikTokEvents:
    """Verifies and reads what TikTok sends to a webhook."""

    def verify(self, headers: Mapping[str, str], body: bytes, client_secret: Secret) -> int:
        """Return when `body` was signed.

        The header is ``TikTok-Signature: t=<seconds>,s=<hex>``, and ``s`` the HMAC-SHA256 of ``<t>.<body>`` under the
        client secret.

        Raises:
            WebhookRejected: the header is missing or malformed, or the signature is wrong.
        """
        signed_at, signature = _signature(headers.get(HEADER, ""))
        message = signed_at.encode("ascii") + b"." + body
        expected = hmac.digest(client_secret.reveal().encode("utf-8"), message, hashlib.sha256)
        if not hmac.compare_digest(expected, signature):
            raise WebhookRejected("the signature is wrong: another client secret, or the body was changed on its way")
        return int(signed_at)

    def read(self, body: bytes) -> ProviderEvent:
        """Return what `body` says. Events that nobody has heard of are read all the same.

        Raises:
            WebhookRejected: it is no envelope of TikTok's.
        """
        envelope = _object(body, "the body")
        content, subject = (_text_if_any(envelope, member) for member in ("content", "user_openid"))
        said = _object(content, "the content") if content else {}
        name = _text(envelope, "event")
        is_removed = name == REMOVED
        if is_removed and not subject:
            raise WebhookRejected(f"{REMOVED} without user_openid")
        return ProviderEvent(
            name=name,
            client=_text(envelope, "client_key"),
            subject=subject,
            created_at=_moment(envelope.get("create_time")),
            ends_authorization=is_removed,
            reason=_reason(said.get("reason", 0)) if is_removed else "",
            content=said,
        )


def _signature(header: str) -> tuple[str, bytes]:
    """Return the time, as it is written, and the signature."""
    if not header:
        raise WebhookRejected("there is no TikTok-Signature")
    pairs = [(name.strip(), value.strip()) for name, _, value in (pair.partition("=") for pair in header.split(","))]
    times = [value for name, value in pairs if name == "t"]
    signatures = [value for name, value in pairs if name == "s"]
    if len(times) != 1 or not re.fullmatch("[1-9][0-9]{0,11}", times[0]):
        raise WebhookRejected("the TikTok-Signature has no t that is a number of seconds, or more than one")
    if len(signatures) != 1 or not re.fullmatch("[0-9a-fA-F]{64}", signatures[0]):
        raise WebhookRejected("the TikTok-Signature has no s of 64 hex digits, or more than one")
    return times[0], bytes.fromhex(signatures[0])


def _object(document: bytes | str, what: str) -> dict[str, Any]:
    try:
        found = parse_json(document)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise WebhookRejected(f"{what} is no JSON object")
    return found


def _text(envelope: Mapping[str, Any], member: str) -> str:
    value = envelope.get(member)
    if not isinstance(value, str):
        raise WebhookRejected(f"{member} is missing, or no text")
    return value


def _text_if_any(envelope: Mapping[str, Any], member: str) -> str:
    return "" if envelope.get(member) is None else _text(envelope, member)


def _moment(value: object) -> datetime:
    if type(value) is not int or not 0 < value <= LAST_SECOND:
        raise WebhookRejected("create_time is no number of seconds")
    return datetime.fromtimestamp(value, timezone.utc)


def _reason(value: object) -> str:
    if type(value) is not int:
        raise WebhookRejected("the reason is no number")
    return REASONS[value] if 0 <= value < len(REASONS) else f"reason {value}"
