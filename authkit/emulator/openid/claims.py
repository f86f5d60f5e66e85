"""Claims about people: who has which, and what each scope gives (OpenID Connect Core 1.0, sections 5.1 and 5.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from authkit.emulator.stock.people import PEOPLE, Person
from authkit.models import Profile

__all__ = ["CLAIMS", "SCOPES", "claims_for", "claims_of", "people", "profile_of"]

BY_SCOPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "openid": ("sub",),
        "profile": (
            *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"),
            *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
)
SCOPES = tuple(BY_SCOPE)
"""The scopes that mean something."""
CLAIMS = tuple(claim for claims in BY_SCOPE.values() for claim in claims)
"""The claims of all of them."""


def claims_for(claims: Mapping[str, Any], scopes: Sequence[str]) -> Mapping[str, Any]:
    """Return those claims that the scopes give, and those that no scope is known for."""
    withheld = {claim for scope, names in BY_SCOPE.items() if scope not in scopes for claim in names}
    return {name: value for name, value in claims.items() if name not in withheld}


def profile_of(claims: Mapping[str, Any]) -> Profile:
    """Return the profile that a provider would make of the claims."""
    return Profile(
        subject=claims["sub"],
        display_name=claims.get("name"),
        username=claims.get("preferred_username"),
        avatar_url=claims.get("picture"),
        email=claims.get("email"),
        email_verified=claims.get("email_verified", False),
    )


def claims_of(profile: Profile) -> Mapping[str, Any]:
    """Return the claims of somebody of whom a provider would make this profile; None leaves a claim out.

    Raises:
        ValueError: no claim says what it says.
    """
    if profile.union_id is not None:
        raise ValueError("OpenID Connect has no claim for union_id")
    told = {
        "sub": profile.subject,
        "name": profile.display_name,
        "preferred_username": profile.username,
        "picture": profile.avatar_url,
        "email": profile.email,
        "email_verified": profile.email_verified if profile.email else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def people() -> Sequence[Mapping[str, Any]]:
    """Return the claims of three people who do not exist; the e-mail address of the last is not verified."""
    return [_claims(person, is_verified=person is not PEOPLE[-1]) for person in PEOPLE]


def _claims(person: Person, *, is_verified: bool) -> Mapping[str, Any]:
    return {
        "sub": str(person.id),
        "name": person.name,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "nickname": person.given_name,
        "preferred_username": person.login,
        "profile": f"https://people.example/{person.login}",
        "picture": person.picture,
        "birthdate": "0000-02-29",
        "zoneinfo": "Europe/Berlin",
        "locale": person.locale,
        "updated_at": 1_795_262_400,
        "email": person.email,
        "email_verified": is_verified,
        "address": {"formatted": "1 Example Street\n12345 Example City", "country": "Nowhere"},
        "phone_number": f"+1 555 0100 {person.id % 1000:03d}",
        "phone_number_verified": is_verified,
    }
