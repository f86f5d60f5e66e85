"""Whole logins at the stock emulator, through `AuthKit`, with providers of every kind."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest
from fakes import SECRET, Browser, Clock, plugins_with
from stock_world import provider

from authkit import AuthKit, OAuth2Provider, Profile, pkce
from authkit.emulator import StockClient, StockEmulator, StockSwitches, WsgiTransport
from authkit.errors import (
    AccessDenied,
    IssuerMismatch,
    ProviderMisconfigured,
    ProviderRejected,
    ReauthRequired,
    ScopeMissing,
)
from authkit_tiktok.provider import tiktok

ROOT = Path(__file__).parent.parent
example = runpy.run_path(str(ROOT / "examples" / "plugins" / "authkit-acme" / "authkit_acme.py"))["acme"]
NASTY = StockClient("id+1%:x", "s+cr%t:&/=")
"""A client whose id and secret have to be encoded, in HTTP Basic and in forms."""


class Place:
    """An app whose provider is emulated, the browser of its user, and a clock for both."""

    def __init__(self, data: OAuth2Provider, settings=None, origin="http://127.0.0.1:8787", **options):
        self.clock = Clock()
        self.name = data.name
        self.emulator = StockEmulator(data, clock=self.clock, **options)
        own = {f"authkit.{data.name}.{key}": value for key, value in self.emulator.settings(origin).items()}
        self.kit = AuthKit.from_settings(
            {**own, "authkit.secret": SECRET, "authkit.base_url": "http://127.0.0.1:6543", **(settings or {})},
            transport=WsgiTransport(self.emulator),
            clock=self.clock,
            plugins=plugins_with(data),
            environ={},
        )
        self.browser = Browser()

    def sign_in(self, **choice):
        url = self.browser.start(self.kit, self.name)
        return self.come_back(self.emulator.approve(url, **choice))

    def come_back(self, callback):
        return self.browser.come_back(self.kit, callback.partition("?")[2], self.name)


def nested(data):
    return Profile(subject=str(data["data"]["user"]["id"]), display_name=data["data"]["user"]["name"])


def numeric(data):
    if not isinstance(data["account"], int):
        raise TypeError("an account is a number")
    return Profile(subject=str(data["account"]), display_name=data["name"])


def by_token(api, token):
    return {"id": token.subject, "name": "You", "login": "you"}


def beside(api, _token):
    return api.get_json(urljoin(api.userinfo_url, "/api/me"), {"fields": "id,name"})


PROVIDERS = {
    "the example plugin": example,
    "basic": provider(token_auth="basic"),
    "body": provider(token_auth="body"),
    "public": provider(token_auth="none"),
    "comma scopes, named in the callback": provider(scope_separator=",", granted_scope_param="scopes"),
    "hex PKCE": provider(code_challenge=pkce.s256_hex),
    "padded PKCE": provider(code_challenge=lambda verifier: pkce.s256(verifier) + "="),
    "no PKCE": provider(code_challenge=None),
    "another name for the client id": provider(client_id_param="app_key", token_auth="body"),
    "nested user info": provider(profile=nested),
    "numbers": provider(profile=numeric),
    "the subject in both answers": provider(subject_param="user"),
    "the subject in the token answer": provider(subject_param="user", userinfo=by_token, userinfo_url=""),
    "a userinfo function": provider(userinfo=beside),
    "an issuer": provider(issuer="https://login.acme.example"),
    "revoking with the access token": provider(revoke_with="access_token"),
    "no scopes": provider(default_scope=()),
    "queries in its addresses": provider(
        authorize_url="https://acme.example/login?tenant=1", userinfo_url="https://api.acme.example/me?fields=id"
    ),
    "one path for all": provider(
        authorize_url="https://login.acme.example/",
        token_url="https://token.acme.example",
        userinfo_url="https://api.acme.example/",
        revoke_url="https://revoke.acme.example/",
    ),
    "TikTok's": tiktok,
}


@pytest.mark.parametrize("data", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("client", [None, NASTY], ids=["usual client", "odd client"])
def test_a_login_a_refresh_and_a_revocation_come_through(data, client):
    options = {} if client is None else {"clients": [client]}
    settings = {"authkit.tiktok.platform": "desktop"} if data is tiktok else {}
    place = Place(data, settings, **options)
    login = place.sign_in(user=1)
    fresh = place.kit.refresh(place.name, login.token)
    revoked = place.kit.revoke(place.name, fresh)

    assert login.profile == place.emulator.users[1].profile
    assert login.identity.subject == "1000002"
    assert (login.granted_scopes, login.missing_scopes) == (tuple(place.emulator.scopes), ())
    assert fresh.access_token != login.token.access_token
    assert revoked == bool(data.revoke_url)
    if revoked:
        with pytest.raises(ReauthRequired):
            place.kit.refresh(place.name, fresh)
    broken = [recorded for recorded in place.emulator.requests if recorded.broken]
    assert len(broken) == int(revoked)


def test_a_login_reaches_the_provider_s_own_addresses():
    emulator = StockEmulator(provider())
    settings = {
        "authkit.secret": SECRET,
        "authkit.base_url": "https://app.example",
        "authkit.acme.client_id": emulator.clients[0].client_id,
        "authkit.acme.client_secret": emulator.clients[0].client_secret,
    }
    kit = AuthKit.from_settings(
        settings, transport=WsgiTransport(emulator), plugins=plugins_with(provider()), environ={}
    )
    browser = Browser()
    callback = emulator.approve(browser.start(kit))

    assert browser.come_back(kit, callback.partition("?")[2]).profile.display_name == "Ada Example"


def test_what_the_user_did_not_grant_is_missing():
    login = Place(provider()).sign_in(scopes=["email"])

    assert (login.granted_scopes, login.missing_scopes) == (("email",), ("profile",))


def test_a_user_who_says_no_is_told_apart():
    place = Place(provider())
    url = place.browser.start(place.kit, "acme")
    with pytest.raises(AccessDenied):
        place.come_back(place.emulator.deny(url))


def test_a_replayed_refresh_token_costs_the_login():
    place = Place(provider())
    old = place.sign_in().token
    new = place.kit.refresh("acme", old)
    for token in (old, new):
        with pytest.raises(ReauthRequired):
            place.kit.refresh("acme", token)


def test_a_login_without_the_scope_for_a_profile_is_told_apart():
    place = Place(provider(basic_scope=("profile",)))
    with pytest.raises(ScopeMissing):
        place.sign_in(scopes=["email"])


def test_an_issuer_that_the_provider_has_not_announced_is_refused():
    place = Place(provider(), switches=StockSwitches(iss=True))
    with pytest.raises(IssuerMismatch):
        place.sign_in()


def test_a_wrong_secret_is_the_operator_s_to_correct():
    place = Place(provider(), {"authkit.acme.client_secret": "wrong"})
    with pytest.raises(ProviderMisconfigured):
        place.sign_in()


def test_a_registration_with_another_pkce_encoding_is_refused_with_the_rule():
    place = Place(provider(), {"authkit.acme.pkce": "hex"})
    with pytest.raises(ProviderRejected):
        place.sign_in()

    assert place.emulator.requests("token").single().broken.id == "RFC 7636, 4.6"


def test_a_login_that_takes_too_long_is_refused():
    place = Place(replace(provider(), name="acme"))
    callback = place.emulator.approve(place.browser.start(place.kit, "acme"))
    place.clock.now += 60
    with pytest.raises(ProviderRejected):
        place.come_back(callback)
