"""GitHub passes the contract of providers, over an emulator that has GitHub's second address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from authkit_github import github

from authkit.emulator import StockEmulator
from authkit.testing import ProviderContract

PEOPLE = [
    {"id": 583231, "login": "octo", "name": "Octavia Example", "avatar_url": "https://avatars.example/u/583231"},
    {"id": 583232, "login": "ben", "name": None, "avatar_url": "https://avatars.example/u/583232"},
    {"id": 583233, "login": "cleo", "name": "Cleo Example", "avatar_url": "https://avatars.example/u/583233"},
]


def emails_of(user: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what ``/user/emails`` answers."""
    return [{"email": f"{user['login']}@octo.example", "primary": True, "verified": True, "visibility": None}]


class TestGitHub(ProviderContract):
    """GitHub, as the core uses it."""

    provider = github

    def new_emulator(self) -> StockEmulator:
        """Return an emulator of GitHub's addresses."""
        return StockEmulator(github, users=PEOPLE, resources={"https://api.github.com/user/emails": emails_of})
