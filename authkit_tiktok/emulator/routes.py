"""Where the emulated TikTok answers, and what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from authkit.emulator import Endpoint
from authkit_tiktok.emulator.authorize import AuthorizeEndpoint
from authkit_tiktok.emulator.qr import QrEndpoints
from authkit_tiktok.emulator.resource import fail_resource
from authkit_tiktok.emulator.retired import V1_CALLS, V1_PAGES, SlashlessEndpoint, Version1Endpoint
from authkit_tiktok.emulator.sdk import IOS_NATIVE_PATH
from authkit_tiktok.emulator.tokens import TokenEndpoint
from authkit_tiktok.emulator.userinfo import UserInfoEndpoint
from authkit_tiktok.emulator.videos import VideoEndpoints
from authkit_tiktok.emulator.world import World

__all__ = ["list_endpoints"]

# The slash at the end may be missing from the pages, and from nothing else.
AUTHORIZE_PATHS = ("/v2/auth/authorize/", "/v2/auth/authorize", IOS_NATIVE_PATH, IOS_NATIVE_PATH.rstrip("/"))


def list_endpoints(world: World) -> Sequence[Endpoint]:
    """Return everything that TikTok answers, version 1 and addresses without their slash included."""
    authorize, retired = AuthorizeEndpoint(world), Version1Endpoint(world)
    api = _list_api(world)
    slashless = tuple(path.rstrip("/") for endpoint in api for path in endpoint.paths)
    without_slash = SlashlessEndpoint(world)
    return (
        Endpoint("authorize", "GET", AUTHORIZE_PATHS, authorize.show),
        Endpoint("consent", "POST", AUTHORIZE_PATHS, authorize.decide),
        *api,
        Endpoint("slashless", "GET", slashless, without_slash.answer),
        Endpoint("slashless", "POST", slashless, without_slash.answer),
        Endpoint("v1", "GET", V1_PAGES, retired.show),
        Endpoint("v1", "GET", V1_CALLS, retired.call),
        Endpoint("v1", "POST", V1_CALLS, retired.call),
    )


def _list_api(world: World) -> Sequence[Endpoint]:
    token, userinfo, videos, qr = (
        TokenEndpoint(world),
        UserInfoEndpoint(world),
        VideoEndpoints(world),
        QrEndpoints(world),
    )
    fail = partial(fail_resource, world)
    return (
        Endpoint("token", "POST", ("/v2/oauth/token/",), token.exchange, token.fail),
        Endpoint("revoke", "POST", ("/v2/oauth/revoke/",), token.revoke, token.fail),
        Endpoint("qr-start", "POST", ("/v2/oauth/get_qrcode/",), qr.start, token.fail),
        Endpoint("qr-check", "POST", ("/v2/oauth/check_qrcode/",), qr.check, token.fail),
        Endpoint("userinfo", "GET", ("/v2/user/info/",), userinfo.show, fail),
        Endpoint("video-list", "POST", ("/v2/video/list/",), videos.page, fail),
        Endpoint("video-query", "POST", ("/v2/video/query/",), videos.look_up, fail),
    )
