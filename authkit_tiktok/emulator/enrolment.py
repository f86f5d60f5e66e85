"""Makes an account at TikTok of a profile."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from authkit import Profile
from authkit_tiktok.emulator.user import User

__all__ = ["user_of"]


def user_of(profile: Profile) -> User:
    """Return the account that has this profile at the emulator's first app.

    Raises:
        ValueError: the profile has an e-mail address, and TikTok gives none.
    """
    if profile.email is not None:
        raise ValueError(f"TikTok tells no app an e-mail address: leave out email {profile.email!r}")
    made_up = uuid5(NAMESPACE_URL, profile.subject)
    return User(
        open_id=profile.subject,
        union_id=profile.union_id or str(made_up),
        display_name=profile.display_name or profile.username or f"User {made_up.hex[:8]}",
        username=profile.username or f"user{made_up.hex[:12]}",
        avatar_url=profile.avatar_url,
        avatar_url_100=profile.avatar_url,
        avatar_large_url=profile.avatar_url,
    )
