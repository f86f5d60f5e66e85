"""`Attempt`: somebody signs in to an app, step by step, as a browser goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from webtest import TestApp, TestResponse

from authkit.emulator import Drivable
from authkit.models import Profile
from authkit.testing.emulation import Emulation

__all__ = ["FIELDS", "Attempt", "Person"]

FIELDS = ("subject", "display_name", "username", "avatar_url", "email", "union_id")
"""What can be said of somebody, each a text."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs in.

    Attributes:
        profile: what the provider shall say of them; None for an account that is there already.
        user: that account: its place, subject or username.
    """

    profile: Profile | None
    user: int | str = 0

    @classmethod
    def of(cls, user: int | str | None, said: Mapping[str, str | None], *, email_verified: bool) -> Person:
        """Return who is meant by a user of the emulator, by parts of a profile, or by nothing: the first user.

        Raises:
            ValueError: both are given; or an address is verified, and there is none.
        """
        known: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if user is not None and known:
            raise ValueError(f"user and {', '.join(known)} exclude each other: an account is as it is")
        if email_verified and "email" not in known:
            raise ValueError("email_verified needs an email")
        if not known:
            return cls(None, user or 0)
        # Of digits alone: the ids of some providers are numbers.
        made = int.from_bytes(sha256(repr(sorted(known.items())).encode()).digest()[:5], "big")
        return cls(Profile(known.pop("subject", str(made)), email_verified=email_verified, **known))

    def enrol_at(self, emulator: Drivable) -> int | str:
        """Return what the emulator's `approve` takes for this person, who has an account there from now on."""
        return self.user if self.profile is None else emulator.enrol(self.profile)

    def lacks(self, told: Profile | None) -> Mapping[str, object]:
        """Return what an app was told otherwise, by the fields of the profile that were given."""
        wanted = {
            name: value for name in FIELDS if self.profile and (value := getattr(self.profile, name)) is not None
        }
        return {
            name: getattr(told, name, None) for name, value in wanted.items() if getattr(told, name, None) != value
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login under way.

    Attributes:
        browser: the browser.
        emulation: the app and what is behind it.
        name: the registration.
        person: who signs in.
        return_to: where they want to go afterwards.
    """

    browser: TestApp
    emulation: Emulation
    name: str
    person: Person
    return_to: str

    @property
    def emulator(self) -> Drivable:
        """The provider."""
        return self.emulation.emulator(self.name)

    def start(self, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Go to the app's address that starts the login."""
        path = self.emulation.kit.site.start_path(self.name, self.return_to)
        return self.browser.get(path, headers=dict(headers or {}), expect_errors=True)

    def authorize_url(self) -> str:
        """Start, and return the address of the provider that the app sends the browser to.

        Raises:
            AssertionError: it sends it nowhere.
        """
        response = self.start()
        if not response.location:
            raise AssertionError(
                f"the login did not start: the app answered {response.status} to {response.request.path}"
            )
        return str(response.location)

    def approve(self, scopes: Sequence[str] | None = None) -> str:
        """Start, say yes at the provider, and return the address of the callback."""
        user = self.person.enrol_at(self.emulator)
        return self.emulator.approve(self.authorize_url(), user=user, scopes=scopes)

    def arrive(self, callback_url: str) -> TestResponse:
        """Come back to the app."""
        return self.browser.get(callback_url, expect_errors=True)
