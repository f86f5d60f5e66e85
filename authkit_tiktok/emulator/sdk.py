"""What TikTok's SDKs add to an authorization request, and where their apps get the answer.

The sources are the SDKs: tiktok-opensdk-ios 2.5.0 and tiktok-opensdk-android of October 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from authkit.emulator import Request

__all__ = ["IOS_NATIVE_PATH", "callback_to_sdk"]

IOS_NATIVE_PATH = "/opensdk/oauth/"
"""Where the iOS SDK turns to when TikTok's app is installed."""

IOS_DEVICES = ("iphone", "ipad")
ANDROID_DENIED, IOS_DENIED = "-2", "-4"  # to iOS, -2 is a login that was cancelled


def callback_to_sdk(request: Request, redirect_uri: str, answer: Mapping[str, str]) -> str:
    """Return the address at which a mobile app gets `answer`.

    The iOS SDK reads a request id, a response id and a number for the error as well. After a login in the browser it
    waits at a scheme that is called after the client key, whatever redirect URI it sent; the exchange of the code
    wants that redirect URI all the same.
    """
    home = redirect_uri
    if request.query.get("device_platform") in IOS_DEVICES:
        answer = _for_ios(answer, request.query.get("request_id", ""))
        if request.path != IOS_NATIVE_PATH:
            home = f"{request.query.get('client_key', '')}://response.bridge.tiktok.com/oauth"
    # URLComponents of iOS leaves a plus sign as it is, so a blank has to be %20.
    return f"{home}?{urlencode(answer, quote_via=quote)}"


def _ios_number(answer: Mapping[str, str]) -> str:
    """Return the number that the SDK for iOS has for an answer."""
    if "code" in answer:
        return "0"
    number = answer.get("errCode", "-1")
    return IOS_DENIED if number == ANDROID_DENIED else number


def _for_ios(answer: Mapping[str, str], request_id: str) -> Mapping[str, str]:
    plain = {name: value for name, value in answer.items() if name != "errCode"}
    return {
        **plain,
        "request_id": request_id,
        "response_id": f"response-{request_id}",
        "error_code": _ios_number(answer),
        "from_platform": "tiktokopensdk",
    }
