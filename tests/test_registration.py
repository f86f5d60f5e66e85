"""One client registered at one provider: what it asks for."""

from __future__ import annotations

import pytest
from fakes import acme

from authkit.errors import ConfigError
from authkit.models import Secret
from authkit.names import check_name, is_free
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


@pytest.mark.parametrize(
    ("name", "free"), [("acme-2", True), ("Acme", False), ("2acme", False), ("", False), ("login", False)]
)
def test_a_name_is_free_if_it_has_the_form_of_one_and_is_not_reserved(name: str, free: bool) -> None:
    assert is_free(name) is free


def test_a_name_is_plain_text() -> None:
    class Name(str):
        """Text that could compare as it likes."""

    with pytest.raises(ConfigError, match="provider name 'acme' is a Name; make it a plain str"):
        check_name(Name("acme"), "provider")
