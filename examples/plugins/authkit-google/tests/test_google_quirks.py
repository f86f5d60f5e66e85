"""What is particular to Google: what is asked for, and who signs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import authkit_google
import pytest

from authkit import AuthKit, Login
from authkit.emulator import OpenIDEmulator, OpenIDSwitches, WsgiTransport
from authkit.plugins import load_plugins

ISSUER = "https://accounts.google.com"
ADA = {
    "sub": "110169484474386276334",
    "name": "Ada Example",
    "picture": "https://lh3.example/ada",
    "email": "ada@workspace.example",
    "email_verified": True,
    "hd": "workspace.example",
}


class App:
    """An app whose people sign in with Google, which is emulated with one account."""

    def __init__(self, **claims: Any) -> None:
        switches = OpenIDSwitches(par="off")  # Google has no pushed requests
        self.emulator = OpenIDEmulator(ISSUER, provider="google", users=[{**ADA, **claims}], switches=switches)
        own = self.emulator.settings("https://elsewhere.example")
        self.kit = AuthKit.from_settings(
            {
                "authkit.secret": "a-secret-of-an-app-that-exists-in-tests-only",
                "authkit.base_url": "https://app.example",
                "authkit.google.client_id": own["client_id"],
                "authkit.google.client_secret": own["client_secret"],
            },
            transport=WsgiTransport(self.emulator),
            plugins=load_plugins(found=(), extra=[authkit_google]),
            environ={},
        )

    def begin(self, **options: Any) -> Mapping[str, str]:
        """Go to Google, and return what it is asked."""
        self.begun = self.kit.begin("google", **options)
        return {name: values[0] for name, values in parse_qs(urlsplit(self.begun.url).query).items()}

    def sign_in(self, **options: Any) -> Login:
        """Sign in."""
        self.begin(**options)
        callback = self.emulator.approve(self.begun.url)
        return self.kit.complete("google", urlsplit(callback).query, self.begun.cookies).login


def test_google_is_asked_for_the_id_the_address_and_the_profile() -> None:
    app = App()

    asked = app.begin()

    assert app.begun.url.startswith(f"{ISSUER}/")
    assert asked["scope"] == "openid email profile"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "https://app.example/auth/google/callback"
    assert {"nonce", "state", "code_challenge"} <= set(asked)
    assert {"prompt", "access_type"} & set(asked) == set()


def test_consent_asks_for_a_refresh_token_as_google_wants_it() -> None:
    asked = App().begin(prompt="consent")

    assert (asked["prompt"], asked["access_type"], asked["scope"]) == ("consent", "offline", "openid email profile")


def test_select_account_lets_people_choose_and_nothing_else() -> None:
    asked = App().begin(prompt="select_account")

    assert asked["prompt"] == "select_account"
    assert "access_type" not in asked


def test_google_has_no_other_prompt() -> None:
    with pytest.raises(ValueError, match="Google does not know the prompt 'login'"):
        App().begin(prompt="login")


def test_the_issuer_vouches_for_the_subject() -> None:
    login = App().sign_in()

    assert (login.identity.authority, login.identity.subject) == (ISSUER, "110169484474386276334")
    assert (login.registration, login.missing_scopes) == ("google", ())


def test_the_profile_is_that_of_the_claims() -> None:
    profile = App().sign_in().profile

    assert (profile.display_name, profile.username, profile.avatar_url) == (
        "Ada Example",
        None,
        "https://lh3.example/ada",
    )
    assert (profile.email, profile.email_verified) == ("ada@workspace.example", True)
    assert profile.raw["hd"] == "workspace.example"


@pytest.mark.parametrize("verified", [False, "true", 1, None])
def test_an_address_counts_as_verified_only_where_google_says_true(verified: Any) -> None:
    profile = App(email_verified=verified).sign_in().profile

    assert (profile.email, profile.email_verified) == ("ada@workspace.example", False)


def test_what_is_typed_in_for_another_issuer_does_not_become_google() -> None:
    app = App()
    settings = {
        "authkit.secret": "a-secret-of-an-app-that-exists-in-tests-only",
        "authkit.base_url": "https://app.example",
        "authkit.google.client_id": "client",
        "authkit.google.issuer": "https://idp.example",
    }

    kit = AuthKit.from_settings(settings, plugins=app.kit.plugins, environ={})

    assert kit.registrations["google"].authority == "https://idp.example"
    assert kit.registrations["google"].provider.title == "idp.example"
