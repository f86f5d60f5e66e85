"""A cookie as a value, and the header that sets it."""

from __future__ import annotations

import dataclasses

import pytest

from authkit.cookies import Cookie


@pytest.mark.parametrize(
    ("cookie", "header"),
    [
        (Cookie("__Host-a", "v", 600, True), "__Host-a=v; Max-Age=600; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (Cookie("a", "v", 600, False), "a=v; Max-Age=600; Path=/; HttpOnly; SameSite=Lax"),
        (Cookie("a", "", 600, True), "a=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ],
    ids=["secure", "loopback", "cleared"],
)
def test_the_header_says_how_the_browser_keeps_the_cookie(cookie: Cookie, header: str) -> None:
    assert cookie.header == header


def test_a_cookie_unpacks_as_name_and_value() -> None:
    name, value = Cookie("a", "v", 600, True)

    assert (name, value) == ("a", "v")


def test_the_value_does_not_show_itself() -> None:
    assert repr(Cookie("a", "canary", 600, True)) == "Cookie(name='a', max_age=600, secure=True)"


def test_a_cookie_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Cookie("a", "v", 600, True).value = "w"  # type: ignore[misc]
