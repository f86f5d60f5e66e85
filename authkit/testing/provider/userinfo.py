"""How the profile is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from authkit.models import Secret, Token
from authkit.provider import OAuth2Provider
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import wrong

__all__ = ["UserInfoTests"]

ENDPOINTS = ("userinfo_url", "token_url", "revoke_url")


class UserInfoTests:
    """The `userinfo` function."""

    def test_the_userinfo_function_calls_nobody_else(self, bench: Bench) -> None:
        """It calls the origins of the provider's own endpoints, since the token goes with each call."""
        provider = bench.data
        api = _Listed(provider)
        token = Token(Secret("a-token"), scope=provider.default_scope, subject="a-subject")
        bench.told(lambda: provider.userinfo(api, token))
        ours = {_origin(url) for name in ENDPOINTS if (url := getattr(provider, name))}
        foreign = [url for url in api.called if _origin(url) not in ours]
        if foreign:
            wrong(
                f"The userinfo function wants to call {foreign[0].partition('?')[0]}.",
                why="the access token would go to somebody else; the core refuses that, and the login fails",
                fix="ask api.userinfo_url, or an address under one of the provider's endpoints",
            )


class _Listed:
    """An `authkit.Api` that writes down what is called, and answers nothing."""

    def __init__(self, provider: OAuth2Provider) -> None:
        self.userinfo_url = provider.userinfo_url
        self.called: list[str] = []

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:  # noqa: ARG002
        self.called.append(url)
        return {}

    def post_json(
        self,
        url: str,
        payload: Mapping[str, Any],  # noqa: ARG002
        params: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        return self.get_json(url, params)

    def get_list(self, url: str, params: Mapping[str, str] | None = None) -> Sequence[Any]:
        return [self.get_json(url, params)]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
