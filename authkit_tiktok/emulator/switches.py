"""`TikTokSwitches`: where TikTok changed, is undocumented, or is seen to behave in two ways."""

from __future__ import annotations

from dataclasses import dataclass

from authkit.emulator import switch

__all__ = ["DEFAULTS", "TikTokSwitches"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TikTokSwitches:
    """What TikTok does at first, and what it can be told to do otherwise."""

    access_lifetime: int = switch(7200, "Seconds for which an access token works; 86400 until late 2026.")
    refresh_lifetime: int = switch(
        15552000, "Seconds for which a login may be refreshed, from the login on; 31536000 until late 2026."
    )
    refresh_clock: str = switch(
        "keeps",
        "Whether a login keeps its end when it is refreshed, or starts its lifetime anew.",
        choices=("keeps", "restarts"),
    )
    code_lifetime: int = switch(60, "Seconds for which an authorization code may be exchanged.")
    rotation: bool = switch(True, "Whether a refresh replaces the refresh token; the old one is dead at once then.")
    error_status: str = switch(
        "200",
        "The HTTP status of token errors: always 200, or that of RFC 6749, section 5.2 (400 and 401).",
        choices=("200", "rfc"),
    )
    resource_error_data: bool = switch(False, "Whether an error of the resource API has an empty `data` beside it.")
    form: str = switch(
        "strict",
        "Whether a token call is malformed that has a charset, JSON or HTTP Basic, or is taken all the same.",
        choices=("strict", "lenient"),
    )
    slashless: str = switch(
        "404",
        "What the API answers where the slash at the end of the address is missing.",
        choices=("404", "301"),
    )
    unknown_revoke: str = switch(
        "refused",
        "Whether revoking a token that is not known is refused, or answered like any other (RFC 7009, section 2.2).",
        choices=("refused", "ignored"),
    )
    platform: str = switch(
        "as-registered",
        "What every app is taken for; it decides about PKCE and, where none are registered, about redirect URIs.",
        choices=("as-registered", "web", "desktop", "mobile", "web-strict"),
    )
    consent: str = switch(
        "page",
        "Whether the user is asked, or at once allows everything, allows only user.info.basic, denies, or turns out "
        "not to be a target user of the sandbox.",
        choices=("page", "auto-approve", "partial", "deny", "non-sandbox-target"),
    )
    avatar_lifetime: int = switch(21600, "Seconds for which the address of an avatar works.")
    rate_limit: int = switch(600, "Requests a minute that an access token may make of a path of the resource API.")
    qr_lifetime: int = switch(120, "Seconds for which a QR code may be scanned and confirmed.")
    webhooks: str = switch(
        "signed",
        "Whether webhooks are signed well, have a body that was tampered with, or a signature that is a day old.",
        choices=("signed", "tampered", "stale"),
    )
    webhook_copies: bool = switch(False, "Whether every webhook arrives twice.")


DEFAULTS = TikTokSwitches()
