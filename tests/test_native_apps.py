"""Native apps: what the settings may say of them, and what is warned of at the start."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes import acme, make_kit, plugins_with
from native_world import asking

from authkit import OAuth2Provider
from authkit.errors import ConfigError, InvalidRequest, printable
from authkit.native.apps import NativeApp, callback_of, find_app, read_apps

NO_REST = "is neither https nor a scheme such as com.example.app:/signed-in"


def apps(*others: OAuth2Provider, provider: OAuth2Provider = asking, **settings: str) -> Any:
    """Return the apps of settings such as ``phone__link="https://…"``, at a provider and `others`."""
    own = {f"authkit.native.{name.replace('__', '.')}": value for name, value in settings.items()}
    own |= {f"authkit.{other.name}.client_{part}": "b" for other in others for part in ("id", "secret")}
    return read_apps(make_kit(settings=own, plugins=plugins_with(provider, *others)))


def refused(**settings: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        apps(**settings)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value.reason


def test_an_app_has_what_the_settings_say() -> None:
    assert apps(
        phone__link="https://app.example/signed-in",
        phone__redirect_uris="https://app.example/sdk, com.example.app:/sdk",
        tablet__link="com.example.tablet://signed-in",
        tablet__allow_private_scheme="yes",
        tablet__link_carries="Access_Token",
        sdk__redirect_uris="https://app.example/sdk",
    ) == {
        "phone": NativeApp(
            "phone", "https://app.example/signed-in", ("https://app.example/sdk", "com.example.app:/sdk"), False
        ),
        "tablet": NativeApp("tablet", "com.example.tablet://signed-in", (), True),
        "sdk": NativeApp("sdk", "", ("https://app.example/sdk",), False),
    }


def test_there_need_be_no_app() -> None:
    assert apps() == {}


def test_the_apps_cannot_be_changed() -> None:
    known = apps(phone__link="https://app.example/signed-in")

    with pytest.raises(TypeError):
        known["evil"] = known["phone"]
    with pytest.raises(AttributeError):
        known["phone"].link = "https://evil.example"


# Links


@pytest.mark.parametrize(
    ("link", "is_private"),
    [
        ("https://app.example/signed-in", False),
        ("https://app.example:8443/signed-in", False),
        ("com.example.app:/signed-in", True),
        ("com.example.app:/", True),
        ("COM.Example.app://signed-in?a=1", True),
        ("https.example:/signed-in", True),
        ("com.example.app:/signed-in:here", True),
    ],
)
def test_a_link_is_https_or_of_a_scheme_that_any_app_can_claim(link: str, is_private: bool) -> None:
    assert apps(phone__link=link, phone__allow_private_scheme="yes")["phone"].has_private_link is is_private


def test_an_app_without_a_link_has_no_private_one() -> None:
    assert NativeApp("phone", "", (), False).has_private_link is False


@pytest.mark.parametrize(
    "link",
    [
        "http://app.example/signed-in",
        "http://127.0.0.1/signed-in",
        "myapp:/signed-in",
        "myapp://x",
        "intent://scan/#Intent;scheme=app;end",
        "javascript:alert(1)",
        "data:x",
        "file:///etc/passwd",
        "//app.example/signed-in",
        "/signed-in",
        "app.example/signed-in",
        ":/signed-in",
        ".com.example:/signed-in",
        "com..example:/signed-in",
        "1com.example:/signed-in",
        "com.example.app",
        "com.example.app:",
        "com.example.app:signed-in",
        "com.example.app:?a=1",
        "com.example.app:/signed-in#there",
        "com_example.app:/signed-in",
    ],
)
def test_rdu_08_any_other_link_is_refused(link: str) -> None:
    assert refused(phone__link=link, phone__allow_private_scheme="yes") == (
        f"authkit.native.phone.link: {link!r} {NO_REST}"
    )
    assert refused(phone__redirect_uris=link) == f"authkit.native.phone.redirect_uris: {link!r} {NO_REST}"


@pytest.mark.parametrize(
    "link",
    [
        "https:",
        "HTTPS://app.example/",
        "https:/app.example",
        "https:///signed-in",
        "https://user@app.example/",
        "https://user:pass@app.example/",
        "https://@app.example/",
        "https://app.example\\@evil.example/",
        "https://app.example:0/",
        "https://app.example:99999999/",
        "https://[::1",
        "https://app.example/#there",
        "https://app.example/é",
    ],
)
def test_an_https_link_is_an_absolute_url(link: str) -> None:
    if link.isascii():
        assert refused(phone__link=link).startswith(printable(f"authkit.native.phone.link: {link!r} "))
    assert refused(phone__redirect_uris=link).startswith(printable(f"authkit.native.phone.redirect_uris: {link!r} "))


def test_a_scheme_that_any_app_can_claim_takes_a_setting() -> None:
    assert refused(phone__link="com.example.app:/signed-in") == (
        "authkit.native.phone.link: any app can claim the scheme of 'com.example.app:/signed-in'; use an https link "
        "that the app owns, or set authkit.native.phone.allow_private_scheme = true"
    )
    assert apps(phone__redirect_uris="com.example.app:/sdk")["phone"].redirect_uris == ("com.example.app:/sdk",)


PRIVATE: Mapping[str, str] = {"phone__link": "com.example.app:/signed-in", "phone__allow_private_scheme": "yes"}


def test_a_scheme_that_any_app_can_claim_takes_a_provider_that_asks_the_user() -> None:
    assert refused(**PRIVATE, provider=acme) == (
        "authkit.native.phone.link: any app can claim its scheme, and none of the providers can be made to ask the "
        "user; use an https link that the app owns"
    )
    assert apps(provider=acme, phone__link="https://app.example/signed-in", sdk__redirect_uris="com.example:/sdk")


def test_the_providers_that_do_not_ask_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert apps(**PRIVATE)
    assert caplog.records == []

    assert apps(replace(acme, name="second"), replace(asking, name="third"), replace(acme, name="fourth"), **PRIVATE)

    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "authkit.native.apps",
            "WARNING",
            "authkit.native.phone.link: any app can claim its scheme, so it cannot sign in with second, fourth, which"
            " cannot be made to ask the user",
        )
    ]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://app.example/in", "https://app.example/in?ticket=a%26b&state=%C3%A9+%23"),
        ("https://app.example/in?from=web", "https://app.example/in?from=web&ticket=a%26b&state=%C3%A9+%23"),
        ("https://app.example", "https://app.example?ticket=a%26b&state=%C3%A9+%23"),
        ("com.example.app:/in", "com.example.app:/in?ticket=a%26b&state=%C3%A9+%23"),
    ],
)
def test_a_link_keeps_its_own_query(link: str, expected: str) -> None:
    assert NativeApp("phone", link, (), False).link_with(ticket="a&b", state="é #") == expected


# Redirect URIs


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/auth/acme/callback",
        "https://app.example/auth/acme/native/callback",
    ],
)
def test_a_code_of_the_web_login_cannot_be_handed_in(uri: str) -> None:
    assert refused(phone__redirect_uris=f"https://app.example/sdk {uri}") == (
        f"authkit.native.phone.redirect_uris has {uri!r}, which is a redirect URI of the web login"
    )


def test_nor_one_of_another_redirect_uri_that_the_settings_give() -> None:
    own = {
        "authkit.acme.redirect_uri": "https://www.example/back",
        "authkit.native.phone.redirect_uris": "https://www.example/back",
    }
    with pytest.raises(ConfigError, match="which is a redirect URI of the web login"):
        read_apps(make_kit(settings=own))


def test_the_callback_of_a_native_login_is_of_its_registration() -> None:
    kit = make_kit(settings={"authkit.base_url": "https://app.example/shop", "authkit.prefix": "/in"})

    assert callback_of(kit, "acme") == "https://app.example/shop/in/acme/native/callback"


# Finding one


def test_an_app_is_found_by_its_name() -> None:
    known = apps(phone__link="https://app.example/in")

    assert find_app(known, "phone") is known["phone"]


@pytest.mark.parametrize("name", ["", "other", "Phone", "phone ", "sdk", "é", "\ud800", "phone\x00"])
def test_rdu_08_a_request_names_an_app_that_has_a_link(name: str) -> None:
    known = apps(phone__link="https://app.example/in", sdk__redirect_uris="https://app.example/sdk")

    with pytest.raises(InvalidRequest) as caught:
        find_app(known, name)

    assert caught.value.reason == "no native app with a link has this name"


# Warnings


def test_a_link_that_carries_a_token_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    apps(
        seed__link="https://app.example/in",
        seed__link_carries="access_token",
        phone__link="https://app.example/in",
        other__link="https://app.example/in",
        other__link_carries="ticket",
    )

    ((name, level, message),) = caplog.record_tuples
    assert (name, level) == ("authkit.native.apps", logging.WARNING)
    assert message == (
        "authkit.native.seed.link_carries = access_token: the link shows the provider's token to whatever sees the "
        "link, such as logs, history and other apps; a ticket is of no use to them"
    )


def test_an_app_that_does_as_it_should_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    apps(phone__link="https://app.example/in")

    assert caplog.record_tuples == []
