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
    code_lifetime: int = switch(60, "Seconds for which an authorization code may be exchanged.")
    rotation: bool = switch(True, "Whether a refresh replaces the refresh token; the old one is dead at once then.")
    error_status: str = switch(
        "200",
        "The HTTP status of token errors: always 200, or that of RFC 6749, section 5.2 (400 and 401).",
        choices=("200", "rfc"),
    )
    resource_error_data: bool = switch(False, "Whether an error of the resource API has an empty `data` beside it.")


DEFAULTS = TikTokSwitches()
