"""The two video endpoints: a user's videos page by page, and some of them by id."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from typing import Any

from authkit.emulator import Answer, Request, Rule
from authkit_tiktok.emulator.ledger import Grant
from authkit_tiktok.emulator.resource import ResourceError, answer_resource, read_fields
from authkit_tiktok.emulator.rulebook import T31, VIDEO_PAGE
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.video import VIDEO_FIELDS, Video
from authkit_tiktok.emulator.world import World

__all__ = ["VideoEndpoints"]

Json = Mapping[str, Any]
FIELD_SCOPES = dict.fromkeys(VIDEO_FIELDS, "video.list")
USUAL_PAGE, LARGEST_PAGE = 10, 20
MOST_IDS = 20
END_OF_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class VideoEndpoints:
    """``POST /v2/video/list/`` ("List Videos") and ``POST /v2/video/query/`` ("Query Videos")."""

    world: World

    def page(self, request: Request) -> Answer:
        """Answer the newest of the user's public videos that are older than the cursor."""
        return answer_resource(self.world, request, self._page)

    def look_up(self, request: Request) -> Answer:
        """Answer those videos that were asked for and are the user's own; others are left out."""
        return answer_resource(self.world, request, self._look_up)

    def _page(self, request: Request, grant: Grant) -> Json:
        fields, body = read_fields(request, FIELD_SCOPES, grant), _read_body(request, VIDEO_PAGE)
        now = int(self.world.clock() * 1000)
        cursor = _read_integer(body, "cursor", now, lowest=0, highest=END_OF_TIME)
        size = _read_integer(body, "max_count", USUAL_PAGE, lowest=1, highest=LARGEST_PAGE)
        older = [(moment, video) for moment, video in _newest_first(grant.user) if moment < cursor]
        shown = older[:size]
        return {
            "videos": self._read([video for _, video in shown], fields, grant.user),
            "cursor": shown[-1][0] if shown else cursor,
            "has_more": len(older) > size,
        }

    def _look_up(self, request: Request, grant: Grant) -> Json:
        fields, wanted = read_fields(request, FIELD_SCOPES, grant), _read_ids(_read_body(request, T31))
        own = [video for _, video in _newest_first(grant.user) if video.id in wanted]
        return {"videos": self._read(own, fields, grant.user)}

    def _read(self, videos: Sequence[Video], fields: Sequence[str], user: User) -> Sequence[Json]:
        return [video.read(fields, user.username, self.world.clock()) for video in videos]


def _newest_first(user: User) -> Sequence[tuple[int, Video]]:
    """Return the public videos, each with its moment in milliseconds since 1970, which is what a cursor compares.

    The videos of one second follow each other by a millisecond, so that a page may end between them.
    """
    public = sorted((video for video in user.videos if video.is_public), key=lambda video: video.create_time)
    moments = [
        (moment, video)
        for second, videos in groupby(public, key=lambda video: video.create_time)
        for moment, video in zip(count(second * 1000), videos)
    ]
    return moments[::-1]


def _read_body(request: Request, broken: Rule) -> Json:
    """Return the JSON object that is the body; `broken` is what it is refused by if it is none."""
    try:
        body = json.loads(request.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or _media_type(request) != "application/json":
        raise ResourceError(400, "invalid_params", "The body is not a JSON object of type application/json.", broken)
    return body


def _media_type(request: Request) -> str:
    return request.content_type.partition(";")[0].strip().lower()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"JSON has no {name} (RFC 8259, section 6)")


def _read_integer(body: Json, name: str, default: int, *, lowest: int, highest: int) -> int:
    value = body.get(name, default)
    if type(value) is not int or not lowest <= value <= highest:
        raise ResourceError(400, "invalid_params", f"{name} is a number from {lowest} to {highest}.", VIDEO_PAGE)
    return value


def _read_ids(body: Json) -> frozenset[str]:
    filters = body.get("filters")
    ids = filters.get("video_ids") if isinstance(filters, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise ResourceError(400, "invalid_params", "filters.video_ids is a list of ids, which are strings.", T31)
    if not 1 <= len(ids) <= MOST_IDS:
        raise ResourceError(400, "invalid_params", f"filters.video_ids has from 1 to {MOST_IDS} ids.", T31)
    return frozenset(ids)
