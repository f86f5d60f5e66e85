"""One client registered at one provider: what it asks for."""

from __future__ import annotations

import pytest
from fakes import acme

from authkit.models import Secret
from authkit.registration import Registration


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ((), ("profile", "email")),
        (("email", "videos"), ("profile", "email", "videos")),
        ("videos,email  likes", ("profile", "email", "videos", "likes")),
    ],
)
def test_more_scope_comes_behind_the_registration_s_own_and_once(more: tuple[str, ...] | str, scope: object) -> None:
    registration = Registration("acme", acme, "id", Secret("s"), ("profile", "email"), "https://app.example/callback")

    assert registration.scope_with(more) == scope
