"""`User`: an account at TikTok, with the fields that the user info endpoint knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from authkit_tiktok.emulator.avatars import AVATAR_HOST
from authkit_tiktok.emulator.video import EXAMPLE_VIDEOS, Video

__all__ = ["AVATARS", "EXAMPLE_USERS", "FIELD_SCOPES", "User", "taken_names"]

AVATARS = ("avatar_url", "avatar_url_100", "avatar_large_url")

FIELD_SCOPES = {
    "open_id": "user.info.basic",
    "union_id": "user.info.basic",
    "avatar_url": "user.info.basic",
    "avatar_url_100": "user.info.basic",
    "avatar_large_url": "user.info.basic",
    "display_name": "user.info.basic",
    "bio_description": "user.info.profile",
    "profile_deep_link": "user.info.profile",
    "profile_web_link": "user.info.profile",
    "is_verified": "user.info.profile",
    "username": "user.info.profile",
    "follower_count": "user.info.stats",
    "following_count": "user.info.stats",
    "likes_count": "user.info.stats",
    "video_count": "user.info.stats",
}
"""The scope that each field needs ("Get User Info", and the bulletin "User info scope migration")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account, with the fields and types of TikTok's page "Get User Info". What is None is not sent.

    The `open_id` is the user's at the emulator's first app, and the `union_id` the one at that app's developer. An
    avatar at ``https://p16-sign.tiktokcdn.example/`` without a query is signed anew each time it is given out, as
    those of the example users are; any other address is sent as it is written.
    """

    open_id: str
    union_id: str
    display_name: str
    username: str
    avatar_url: str | None = None
    avatar_url_100: str | None = None
    avatar_large_url: str | None = None
    bio_description: str | None = None
    profile_deep_link: str | None = None
    profile_web_link: str | None = None
    is_verified: bool = False
    follower_count: int = 0
    following_count: int = 0
    likes_count: int = 0
    video_count: int = 0
    videos: tuple[Video, ...] = ()

    def read(self, fields: Iterable[str]) -> dict[str, str | bool | int]:
        """Return those of `fields` that are set."""
        values = {name: getattr(self, name) for name in fields}
        return {name: value for name, value in values.items() if value is not None}


def taken_names(users: Collection[User]) -> tuple[str, ...]:
    """Return the fields that tell users apart, and do not: two have the same."""
    names = ("open_id", "union_id", "username")
    return tuple(name for name in names if len({getattr(user, name) for user in users}) < len(users))


def _avatar(name: str, size: int) -> str:
    return f"{AVATAR_HOST}tos/{name}~c5_{size}x{size}.jpeg"


EXAMPLE_USERS = (
    User(
        open_id="-000AbCdEfGhIjKlMnOpQrStUvWxYz01",
        union_id="3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
        display_name="Ada Tok",
        username="ada.tok",
        avatar_url=_avatar("ada", 168),
        avatar_url_100=_avatar("ada", 100),
        avatar_large_url=_avatar("ada", 1080),
        bio_description="I count loops.\nAnd I loop counts.",
        profile_deep_link="https://vm.tiktok.example/ZMada/",
        profile_web_link="https://www.tiktok.example/@ada.tok",
        is_verified=True,
        follower_count=1_204_331,
        following_count=42,
        likes_count=3_000_000_000,
        video_count=217,
        videos=EXAMPLE_VIDEOS,
    ),
    User(
        open_id="-000bEnMoKa7Xq_2ZtLw9RyUc4HsPdVf",
        union_id="81d7f5aa-02c4-4d4e-8a53-6c1b7f0e9b22",
        display_name="Ben Moka",
        username="benmoka",
        avatar_url=_avatar("ben", 168),
        avatar_url_100=_avatar("ben", 100),
        avatar_large_url=_avatar("ben", 1080),
        profile_deep_link="https://vm.tiktok.example/ZMben/",
        is_verified=True,
        following_count=7,
    ),
    User(
        open_id="-000zOe9KfT3mB8_aQxN5vJr1WgLuEyC",
        union_id="f2b9c0de-4c11-4f6b-b7a6-2f4f5f8d7c33",
        display_name="Zoë & <b>Łukasz</b> 👋 \"' 北京",
        username="zoe_lukasz",
        avatar_url=_avatar("zoe", 168),
        avatar_url_100=_avatar("zoe", 100),
        avatar_large_url=_avatar("zoe", 1080),
        bio_description="<script>alert('hello')</script> & co.",
        profile_deep_link="https://vm.tiktok.example/ZMzoe/",
        profile_web_link="https://www.tiktok.example/@zoe_lukasz",
        follower_count=12,
        following_count=15,
        likes_count=96,
        video_count=3,
        videos=(
            Video(id="7400000000000000005", create_time=1795100000, title="For friends only", is_public=False),
            Video(id="7400000000000000004", create_time=1795000000, title="<b>Łódź</b> & back"),
        ),
    ),
)
"""The users that an emulator has unless it is given others. All are invented."""
