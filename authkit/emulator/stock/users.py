"""`StockUser`: an account at the stock emulator, as the provider's own functions read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from authkit.emulator.stock.resources import NO_RESOURCES, Resources, body_of
from authkit.emulator.stock.scopes import usual_scopes
from authkit.errors import AuthkitError, ConfigError
from authkit.models import Profile, Secret, Token
from authkit.provider import OAuth2Provider

__all__ = ["SampleApi", "StockUser", "read_profile", "read_users"]


@dataclass(frozen=True, slots=True)
class StockUser:
    """An account.

    Attributes:
        body: what the user info endpoint answers, a JSON object.
        profile: what the provider's functions make of it.
    """

    body: Mapping[str, Any] = field(repr=False)
    profile: Profile

    @property
    def label(self) -> str:
        """What people call the user."""
        return self.profile.display_name or self.profile.username or self.profile.email or self.profile.subject

    @property
    def hint(self) -> str:
        """What tells the user from others of the same name."""
        return f"@{self.profile.username}" if self.profile.username else self.profile.subject

    def identity_fields(self) -> Iterator[str]:
        """Yield the names, at whatever depth, of the members that hold the subject."""
        waiting: list[tuple[str, object]] = [("", self.body)]
        while waiting:
            name, value = waiting.pop()
            if isinstance(value, Mapping):
                waiting += value.items()
            elif isinstance(value, list):
                waiting += ((name, item) for item in value)
            elif str(value) == self.profile.subject:
                yield name


class SampleApi:
    """An `authkit.Api` without a network: the user info endpoint answers `body`, `resources` what they make of it."""

    def __init__(
        self, provider: OAuth2Provider, body: Mapping[str, Any], resources: Resources = NO_RESOURCES
    ) -> None:
        self._provider = provider
        self._body = body
        self._resources = resources

    @property
    def userinfo_url(self) -> str:
        """The user info endpoint."""
        return self._provider.userinfo_url

    def get_json(self, url: str, params: Mapping[str, str] | None = None) -> Mapping[str, Any]:  # noqa: ARG002
        """Return the JSON object that `url` answers, unless the provider takes it for a refusal."""
        body = self._answer(url)
        if not isinstance(body, Mapping):
            raise ConfigError(f"its userinfo function reads a JSON object from {url}, which answers something else")
        refusal = self._provider.read_error(body)
        if refusal is not None:
            raise ConfigError(f"its read_error function finds the error {refusal.error!r} in it")
        return body

    def get_list(self, url: str, params: Mapping[str, str] | None = None) -> Sequence[Any]:  # noqa: ARG002
        """Return the JSON array that `url` answers."""
        body = self._answer(url)
        if not isinstance(body, Sequence):
            raise ConfigError(f"its userinfo function reads a JSON array from {url}, which answers something else")
        return body

    def post_json(
        self,
        url: str,
        payload: Mapping[str, Any],  # noqa: ARG002 - as above, whatever is asked gets the same answer
        params: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Return what `get_json` does."""
        return self.get_json(url, params)

    def _answer(self, url: str) -> Mapping[str, Any] | Sequence[Any]:
        if url == self._provider.userinfo_url:
            return self._body
        if url not in self._resources:
            raise ConfigError(
                f"its userinfo function calls {url}, where the stock emulator answers nothing; give it `resources`"
            )
        return body_of(self._resources[url], self._body)


def read_profile(
    provider: OAuth2Provider, body: Mapping[str, Any], subject: str, resources: Resources = NO_RESOURCES
) -> Profile:
    """Return what the provider's own functions make of `body`, as they would in a login.

    Args:
        provider: the provider; any exception of its functions comes out.
        body: what the user info endpoint answers.
        subject: the user's id in the token answer, if the provider has one there.
        resources: what further addresses answer.
    """
    granted = usual_scopes(provider)
    token = Token(Secret("sample"), scope=granted, subject=subject if provider.subject_param else None)
    profile: object = provider.profile(provider.userinfo(SampleApi(provider, body, resources), token))
    if not isinstance(profile, Profile):
        raise TypeError(f"its profile function returned a {type(profile).__name__}")
    return profile


def read_users(
    provider: OAuth2Provider, bodies: Sequence[Mapping[str, Any]], resources: Resources = NO_RESOURCES
) -> tuple[StockUser, ...]:
    """Return the users whose user info is given.

    Raises:
        ConfigError: one of them is no JSON object, or the provider's own functions cannot read it.
    """
    users = []
    for number, given in enumerate(bodies):
        try:
            body = json.loads(json.dumps(dict(given), allow_nan=False))
            subject = str(body.get(provider.subject_param, f"user-{number}"))
            profile = read_profile(provider, body, subject, resources)
        except Exception as exc:  # noqa: BLE001 - a plugin's functions may raise anything
            raise ConfigError(f"users[{number}] is no user of {provider.name!r}: {reason_of(exc)}") from None
        users.append(StockUser(body, profile))
    return tuple(users)


def reason_of(exc: Exception) -> str:
    """Return why a provider's functions could not read something."""
    return exc.reason if isinstance(exc, AuthkitError) and exc.reason else f"{type(exc).__name__}: {exc}"
