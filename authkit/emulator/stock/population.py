"""`Population`: the accounts at the stock emulator, which become more when a test enrols somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from authkit.emulator.stock.enrolment import FIELDS, Enrolment
from authkit.emulator.stock.resources import Resources
from authkit.emulator.stock.sample import find_users
from authkit.emulator.stock.users import StockUser, read_profile, read_users
from authkit.models import Profile
from authkit.provider import OAuth2Provider

__all__ = ["Population"]


class Population:
    """The accounts.

    Args:
        provider: whose functions read their user info.
        resources: what further addresses answer.
        bodies: what the user info endpoint answers for each; empty for three people that are made up.

    Attributes:
        users: the accounts, in the order of the consent page.

    Raises:
        ConfigError: the provider's functions cannot read one of the bodies, or nobody can tell what they want.
    """

    def __init__(self, provider: OAuth2Provider, resources: Resources, bodies: Sequence[Mapping[str, Any]]) -> None:
        self._provider = provider
        self._resources = resources
        self._first = read_users(provider, bodies, resources) if bodies else find_users(provider, resources)
        self.users = list(self._first)

    def identity_fields(self) -> frozenset[str]:
        """Return the members, of the token answer and of the user info, that say who somebody is."""
        in_token = {self._provider.subject_param} - {""}
        return frozenset(in_token.union(*(user.identity_fields() for user in self.users)))

    def place_of(self, user: int | str) -> int:
        """Return the place of an account.

        Args:
            user: its place, its subject or its username; a subject goes first.

        Raises:
            ValueError: there is none.
        """
        profiles = [account.profile for account in self.users]
        names = (
            *enumerate(range(len(profiles))),
            *((place, profile.subject) for place, profile in enumerate(profiles)),
            *((place, profile.username) for place, profile in enumerate(profiles)),
        )
        for place, name in names:
            if user == name:
                return place
        raise ValueError(f"the emulator has no user {user!r}")

    def enrol(self, profile: Profile) -> str:
        """Add an account, or replace the one that has the subject; see `StockEmulator.enrol`."""
        made = self._made(profile)
        subjects = [account.profile.subject for account in self.users]
        if profile.subject in subjects:
            self.users[subjects.index(profile.subject)] = made
        else:
            self.users.append(made)
        return profile.subject

    def _made(self, profile: Profile) -> StockUser:
        """Return an account with this profile, made of the first one that it can be made of."""
        read = partial(read_profile, self._provider, subject=profile.subject, resources=self._resources)
        lacking: tuple[str, ...] = FIELDS
        for like in self._first:
            attempt = Enrolment(profile, like, read)
            body = attempt.body()
            lacking = min(lacking, attempt.lacking(body), key=len)
            if not lacking:
                return StockUser(body, read(body))
        wanted = ", ".join(f"{name} {getattr(profile, name)!r}" for name in lacking)
        raise ValueError(
            f"{self._provider.title} cannot have somebody with the {wanted}: its own functions make that of no user "
            "info that is known; give users that have it, StockEmulator(provider, users=[{...}])"
        )
