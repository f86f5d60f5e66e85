"""`Video`: a video at TikTok, with the fields that the video endpoints know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from authkit_tiktok.emulator.avatars import AVATAR_HOST, sign_avatar

__all__ = ["EXAMPLE_VIDEOS", "VIDEO_FIELDS", "Video"]

COVER_LIFETIME = 6 * 3600
LONGEST_TEXT = 150
VIDEO_FIELDS: tuple[str, ...] = (
    "id",
    "create_time",
    "cover_image_url",
    "share_url",
    "video_description",
    "duration",
    "height",
    "width",
    "title",
    "embed_html",
    "embed_link",
    "like_count",
    "comment_count",
    "share_count",
    "view_count",
)
"""What can be asked for ("Video Object"); every field needs the scope ``video.list``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video. Its addresses are made when it is read; that of the cover works for six hours.

    Attributes:
        id: a number as text; as a JSON number it would be too large for many clients.
        create_time: when it was posted, in seconds since 1970.
        title: at most 150 characters.
        video_description: at most 150 characters.
        duration: in seconds.
        height: in pixels.
        width: in pixels.
        is_public: whether apps see it; they see public videos only.

    Raises:
        ValueError: the title or the description is too long.
    """

    id: str
    create_time: int
    title: str = ""
    video_description: str = ""
    duration: int = 15
    height: int = 1024
    width: int = 576
    like_count: int = 0
    comment_count: int = 0
    share_count: int = 0
    view_count: int = 0
    is_public: bool = True

    def __post_init__(self) -> None:
        if max(len(self.title), len(self.video_description)) > LONGEST_TEXT:
            raise ValueError(f"the title and the description of a video have at most {LONGEST_TEXT} characters")

    def read(self, fields: Iterable[str], username: str, now: float) -> dict[str, str | int]:
        """Return those of `fields`, as they are for the video of `username` at the time `now`."""
        made = {
            "cover_image_url": sign_avatar(
                f"{AVATAR_HOST}tos/{quote(self.id)}~c5_720x720.jpeg", now + COVER_LIFETIME
            ),
            "share_url": self._share_url(username),
            "embed_html": self._embed_html(username),
            "embed_link": f"https://www.tiktok.example/embed/v2/{quote(self.id)}",
        }
        return {name: made[name] if name in made else getattr(self, name) for name in fields}

    def _share_url(self, username: str) -> str:
        return f"https://www.tiktok.example/@{quote(username)}/video/{quote(self.id)}"

    def _embed_html(self, username: str) -> str:
        return (
            f'<blockquote class="tiktok-embed" cite="{escape(self._share_url(username))}"'
            f' data-video-id="{escape(self.id)}"><section>{escape(self.title)}</section></blockquote>'
        )


EXAMPLE_VIDEOS = (
    Video(
        id="7400000000000000003",
        create_time=1795132800,
        title="A loop in ninety seconds",
        video_description="Counting down, the long way round. #loops",
        duration=90,
        like_count=120_433,
        comment_count=1_204,
        share_count=377,
        view_count=3_000_000_000,
    ),
    Video(id="7400000000000000002", create_time=1795046400, title="Recursion & friends <3", view_count=4_711),
    Video(
        id="7400000000000000001",
        create_time=1794960000,
        video_description="Off by one 👋 北京",
        duration=12,
        height=720,
        width=1280,
        view_count=12,
    ),
)
"""Videos for a user of the emulator, newest first. All are invented."""
