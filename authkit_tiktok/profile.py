"""The user's fields at TikTok: which to ask for, and what they become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from authkit import Api, Profile, Token
from authkit.errors import ProviderProtocolError, ScopeMissing

__all__ = ["BASIC_SCOPE", "FIELDS", "fetch_user", "map_profile"]

BASIC_SCOPE = "user.info.basic"

FIELDS: Mapping[str, Mapping[str, type]] = {
    BASIC_SCOPE: {
        "open_id": str,
        "union_id": str,
        "avatar_url": str,
        "avatar_url_100": str,
        "avatar_large_url": str,
        "display_name": str,
    },
    "user.info.profile": {
        "bio_description": str,
        "profile_deep_link": str,
        "profile_web_link": str,
        "is_verified": bool,
        "username": str,
    },
    "user.info.stats": {
        "follower_count": int,
        "following_count": int,
        "likes_count": int,
        "video_count": int,
    },
}
"""The fields of each scope and their types (Get User Info; User Info Scope Migration)."""


def fields_for(scopes: Iterable[str]) -> str:
    """Return the value of the ``fields`` parameter: one field whose scope is not granted fails the whole call."""
    return ",".join(field for scope in scopes for field in FIELDS.get(scope, ()))


def fetch_user(api: Api, token: Token) -> Mapping[str, Any]:
    """Ask for the fields of the granted scopes; once more for the basic ones if TikTok says that it is too much."""
    granted = [scope for scope in FIELDS if scope in token.scope]
    if BASIC_SCOPE not in granted:
        raise ScopeMissing(f"TikTok granted no {BASIC_SCOPE}")
    try:
        reply = api.get_json(api.userinfo_url, {"fields": fields_for(granted)})
    except ScopeMissing:
        if granted == [BASIC_SCOPE]:
            raise
        reply = api.get_json(api.userinfo_url, {"fields": fields_for([BASIC_SCOPE])})
    data = reply.get("data")
    user = data.get("user") if isinstance(data, Mapping) else None
    if not isinstance(user, Mapping):
        error = ProviderProtocolError("the user info has no user")
        error.said = "User does not exist."
        raise error
    return user


def map_profile(user: Mapping[str, Any]) -> Profile:
    """Map TikTok's user to a `Profile`. There is no e-mail address at TikTok, so there is none here.

    ``open_id`` is the subject and ``union_id`` the second key. ``display_name`` is not the handle; that is
    ``username``, which takes ``user.info.profile``. The avatar's address is signed and expires.
    """
    known = {
        field: user[field]
        for fields in FIELDS.values()
        for field, kind in fields.items()
        if type(user.get(field)) is kind and user[field] != ""
    }
    return Profile(
        subject=user.get("open_id"),  # type: ignore[arg-type]  # Profile refuses what is no text
        union_id=known.get("union_id"),
        display_name=known.get("display_name") or known.get("username"),
        username=known.get("username"),
        avatar_url=known.get("avatar_large_url") or known.get("avatar_url") or known.get("avatar_url_100"),
        raw=known,
    )
