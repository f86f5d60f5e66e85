"""The whole login, from `begin` to the audit line: what is refused, what is sent, and what is never shown."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import random
import re
import sys
import threading
import time
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from fakes import (
    ACCESS_TOKEN,
    CLIENT_SECRET,
    FIRST_STATE,
    FIRST_VERIFIER,
    REFRESH_TOKEN,
    SECRET,
    SETTINGS,
    TOKEN,
    USER,
    Browser,
    Clock,
    CountingRandom,
    Network,
    acme,
    answer,
    callback,
    make_kit,
    plugins_with,
    state_of,
)
from requests import PreparedRequest, Response

from authkit import AuthKit, Identity, Login, Profile, Refusal, Secret, Token, errors
from authkit.cookies import Cookie
from authkit.deadline import Deadline
from authkit.errors import (
    AccessDenied,
    AuthkitError,
    ConfigError,
    InvalidRequest,
    IssuerMismatch,
    ProviderProtocolError,
    ProviderRejected,
    ProviderUnavailable,
    ScopeMissing,
    StateInvalid,
    StoreUnavailable,
    UnknownProvider,
)
from authkit.flow import Completed, Redirect
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse
from authkit.transactions import MemoryClaims
from authkit.transport import Transport

other = replace(
    acme,
    name="other",
    title="Other",
    token_url="https://other.example/token",
    userinfo_url="https://other.example/me",
)
OTHER_SETTINGS = {"authkit.other.client_id": "other-client", "authkit.other.client_secret": "other-secret"}


def refuse(kind: type[AuthkitError], call: Callable[[], object]) -> AuthkitError:
    """Return the error of `call`, which is exactly of `kind`."""
    with pytest.raises(AuthkitError) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


# A login that goes well


def test_a_login_has_everything_that_the_app_needs(network: Network) -> None:
    kit = make_kit(network)
    browser = Browser()

    url = browser.start(kit, return_to="/inbox?a=1")
    login = browser.come_back(kit, callback(url, code="the-code"))

    assert login == Login(
        registration="acme",
        identity=Identity("acme", "acme-client", "user-1"),
        profile=Profile("user-1", "Ada"),
        token=login.token,
        granted_scopes=("profile",),
        missing_scopes=(),
        return_to="/inbox?a=1",
        correlation_id=login.correlation_id,
    )
    assert (login.token.access_token, login.token.refresh_token) == (Secret(ACCESS_TOKEN), Secret(REFRESH_TOKEN))
    assert re.fullmatch("[0-9a-f]{16}", login.correlation_id)
    assert [sent.path for sent in network.sent] == ["/oauth/token", "/api/me"]
    assert browser.cookies == {}


def test_begin_and_complete_say_which_cookies_to_set() -> None:
    kit = make_kit()

    redirect = kit.begin("acme")
    completed = kit.complete("acme", callback(redirect.url, code="c"), redirect.cookies)

    (cookie,) = redirect.cookies
    assert isinstance(redirect, Redirect)
    assert isinstance(completed, Completed)
    assert (cookie.max_age, cookie.secure) == (600, True)
    assert completed.cookies == (Cookie(cookie.name, "", 0, True),)


@pytest.mark.parametrize(
    "as_given", [dict, lambda cookies: iter([(cookie.name, cookie.value) for cookie in cookies])]
)
def test_cookies_may_come_as_a_mapping_or_as_pairs(as_given: Callable[[Any], Any]) -> None:
    kit = make_kit()
    redirect = kit.begin("acme")

    assert kit.complete("acme", callback(redirect.url, code="c"), as_given(redirect.cookies)).login.return_to == "/"


def test_a_redirect_shows_neither_state_nor_cookie() -> None:
    redirect = make_kit().begin("acme")

    assert state_of(redirect.url) not in repr(redirect)
    assert redirect.cookies[0].value not in repr(redirect)


@pytest.mark.parametrize("return_to", ["//evil.example", "https://evil.example", None, ""])
def test_opr_01_a_foreign_return_to_becomes_the_start_page(return_to: str | None) -> None:
    kit = make_kit(settings={"authkit.base_url": "https://app.example/shop"})
    browser = Browser()

    url = browser.start(kit, return_to=return_to)

    assert browser.come_back(kit, callback(url, code="c")).return_to == "/shop/"


def test_a_kit_reads_the_environment_the_clock_and_the_dice_of_the_process(
    monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    monkeypatch.setenv("AUTHKIT_ACME_CLIENT_ID", "from-the-environment")
    settings = {key: value for key, value in SETTINGS.items() if key != "authkit.acme.client_id"}

    kit = AuthKit.from_settings(settings, transport=network, plugins=plugins_with(acme))
    started, url = time.time(), Browser().start(kit)

    assert "client_id=from-the-environment&" in url
    assert state_of(url) != state_of(Browser().start(kit))
    assert Browser().sign_in(kit).token.expires_at is not None
    assert abs(Browser().sign_in(kit).token.expires_at.timestamp() - started - 3600) < 60  # type: ignore[union-attr]
    assert os.environ["AUTHKIT_ACME_CLIENT_ID"] == "from-the-environment"


def test_plg_12_a_kit_and_what_it_returns_are_frozen() -> None:
    kit = make_kit()
    redirect = kit.begin("acme")
    completed = kit.complete("acme", callback(redirect.url, code="c"), redirect.cookies)

    for value, name in ((kit, "secrets"), (redirect, "url"), (completed, "login")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, name, None)
    parts = (kit.parts, kit.parts["accounts"], kit.parts["native"], kit.parts["native"]["members"])
    for mapping in (kit.registrations, kit.clients, kit.breakers, kit.sealers, *parts):
        with pytest.raises(TypeError):
            mapping["evil"] = None  # type: ignore[index]
    assert SECRET not in repr(kit)
    assert CLIENT_SECRET not in repr(kit)


def test_a_kit_does_not_show_what_it_is_set_to() -> None:
    shown = repr(make_kit())

    assert [name for name in ("site", "breakers", "secrets", "sealers", "parts") if f"{name}=" in shown] == ["site"]


def test_a_kit_has_the_clock_and_the_dice_that_it_was_given(network: Network, clock: Clock) -> None:
    random = CountingRandom()
    kit = make_kit(network, clock=clock, random=random)

    assert (kit.clock, kit.random) == (clock, random)


# What can be asked of `begin`


def test_scopes_are_added_to_the_registration_s_own(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}
    kit = make_kit(network)
    browser = Browser()

    url = browser.start(kit, scope=("photos", "profile"))

    assert "&scope=profile+photos&" in url
    assert browser.come_back(kit, callback(url, code="c")).granted_scopes == ("profile", "photos")


def test_a_prompt_that_the_provider_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="Acme does not know the prompt 'consent'"):
        make_kit().begin("acme", prompt="consent")


@pytest.mark.parametrize(
    ("setting", "asked", "prompt"), [("", None, None), ("a", None, "a"), ("a", "b", "b"), ("", "b", "b")]
)
def test_the_prompt_of_a_login_wins_over_the_registration_s(setting: str, asked: str | None, prompt: Any) -> None:
    provider = replace(acme, prompts={"a": {"prompt": "a"}, "b": {"prompt": "b"}})
    kit = make_kit(settings={"authkit.acme.prompt": setting} if setting else {}, provider=provider)

    assert dict(parse_qsl(kit.begin("acme", prompt=asked).url)).get("prompt") == prompt


@pytest.mark.parametrize("name", ["nope", "", "other", "ACME", "acme ", "../etc", "acme\r\nX: 1", "x" * 5000])
def test_plg_01_an_unknown_registration_is_refused_everywhere(network: Network, name: str) -> None:
    kit = make_kit(network, plugins=plugins_with(acme, other))
    url = Browser().start(kit)
    token = Token(Secret("a"), Secret("b"))
    calls: list[Callable[[], object]] = [
        lambda: kit.begin(name),
        lambda: kit.complete(name, callback(url, code="c"), {}),
        lambda: kit.refresh(name, token),
        lambda: kit.revoke(name, token),
        lambda: kit.exchange(name, "c", Secret("v"), "https://app.example/sdk"),
        lambda: kit.login_with(name, Secret("a")),
    ]

    for call in calls:
        error = refuse(UnknownProvider, call)
        assert error.registration == ""
        assert "\n" not in str(error)
        assert name not in error.message or not name
        assert (error.__cause__, error.__context__) == (None, None)
    assert network.sent == []


def test_a_login_may_come_back_to_an_address_of_its_own(network: Network) -> None:
    kit = make_kit(network)
    browser = Browser()

    url = browser.start(kit, redirect_uri="http://127.0.0.1:1234/callback/")
    browser.come_back(kit, callback(url, code="c"))

    assert dict(parse_qsl(url.partition("?")[2]))["redirect_uri"] == "http://127.0.0.1:1234/callback/"
    assert network.to("token")[0].form["redirect_uri"] == "http://127.0.0.1:1234/callback/"


@pytest.mark.parametrize("redirect_uri", [None, ""])
def test_a_login_comes_back_to_the_registration_s_own_address_otherwise(redirect_uri: str | None) -> None:
    url = make_kit().begin("acme", redirect_uri=redirect_uri).url

    assert dict(parse_qsl(url.partition("?")[2]))["redirect_uri"] == "https://app.example/auth/acme/callback"


# What an app got by itself


def exchange(kit: AuthKit, **changes: Any) -> Login:
    """Hand in the code of an app that began the login with a kit of the provider's."""
    sent = {"code": "the-code", "code_verifier": Secret("v" * 32), "redirect_uri": "https://app.example/sdk"}
    return kit.exchange("acme", **{**sent, **changes})


def test_a_code_that_an_app_got_is_exchanged_with_what_the_app_sent(network: Network) -> None:
    login = exchange(make_kit(network))

    token, me = network.sent
    assert (token.method, token.path, me.path) == ("POST", "/oauth/token", "/api/me")
    assert token.form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": "v" * 32,
        "redirect_uri": "https://app.example/sdk",
    }
    assert login == Login(
        registration="acme",
        identity=Identity("acme", "acme-client", "user-1"),
        profile=Profile("user-1", "Ada"),
        token=login.token,
        granted_scopes=("profile",),
        missing_scopes=(),
        return_to="/",
        correlation_id=login.correlation_id,
    )


def test_the_profile_of_an_app_s_login_is_that_of_the_granted_scopes() -> None:
    kit = make_kit(Network(token={**TOKEN, "scope": "a"}), {"authkit.acme.scope": "profile a b"})

    login = exchange(kit)

    assert (login.granted_scopes, login.missing_scopes) == (("a",), ("profile", "b"))


def test_what_is_required_is_required_of_an_app_too() -> None:
    network = Network(token={**TOKEN, "scope": "profile"})
    kit = make_kit(network, {"authkit.acme.scope": "profile a", "authkit.acme.required_scope": "a"})

    assert refuse(ScopeMissing, lambda: exchange(kit)).registration == "acme"
    assert [sent.path for sent in network.sent] == ["/oauth/token"]


@pytest.mark.parametrize("code", ["", "c" * 4097, "a\nb", "é", "\ud800"])
def test_what_is_no_code_is_not_exchanged(network: Network, code: str) -> None:
    assert refuse(InvalidRequest, lambda: exchange(make_kit(network), code=code)).registration == "acme"
    assert network.sent == []


def test_an_exchange_that_the_provider_refuses_fails(network: Network) -> None:
    network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "v" * 32 + " the-code"})

    error = refuse(ProviderRejected, lambda: exchange(make_kit(network)))

    assert (error.registration, error.reason) == ("acme", "invalid_grant: [redacted] [redacted]")


def test_an_exchange_for_one_user_that_brings_another_s_profile_is_refused() -> None:
    network = Network(token={**TOKEN, "open_id": "user-2"})
    kit = make_kit(network, provider=replace(acme, subject_param="open_id"))

    error = refuse(ProviderProtocolError, lambda: exchange(kit))

    assert (error.registration, error.reason) == ("acme", "the token and the user info name different users")


def test_an_exchange_uses_no_cookie_and_claims_nothing() -> None:
    kit = make_kit()

    assert exchange(kit).identity == exchange(kit).identity  # that a code works once is the provider's to see to


# A token that somebody handed in


def test_a_token_that_was_handed_in_signs_its_owner_in(network: Network) -> None:
    login = make_kit(network).login_with("acme", Secret("handed-in"))

    (sent,) = network.sent
    assert (sent.method, sent.path, sent.headers["Authorization"]) == ("GET", "/api/me", "Bearer handed-in")
    assert login == Login(
        registration="acme",
        identity=Identity("acme", "acme-client", "user-1"),
        profile=Profile("user-1", "Ada"),
        token=Token(Secret("handed-in"), scope=("profile",)),
        granted_scopes=("profile",),
        missing_scopes=(),
        return_to="/",
        correlation_id=login.correlation_id,
    )


def test_of_a_token_that_was_handed_in_no_more_than_the_basic_scope_is_counted_on() -> None:
    """What it was granted nobody says; one scope too many makes TikTok refuse the whole profile."""
    provider = replace(acme, basic_scope=("basic",), default_scope=("basic", "more"))
    kit = make_kit(provider=provider)

    login = kit.login_with("acme", Secret("handed-in"))

    assert (login.granted_scopes, login.missing_scopes) == (("basic",), ("more",))


def test_a_provider_of_its_own_kind_is_asked_with_its_default_scope() -> None:
    kit, own = own_kit()

    assert kit.login_with("own", Secret("handed-in")).identity == Identity("own", "own-client", "user-1")
    assert own.asked[-1] == ("fetch_profile", Token(Secret("handed-in"), scope=("profile",)))


@pytest.mark.parametrize("answer", [None, "user-1", ValueError("canary"), {"subject": "user-1"}])
def test_a_provider_that_answers_no_profile_is_refused(answer: Any) -> None:
    kit, _ = own_kit(fetch_profile=answer)

    assert "canary" not in str(refuse(ProviderProtocolError, lambda: kit.login_with("own", Secret("handed-in"))))


@pytest.mark.parametrize(
    ("me", "kind"),
    [
        ((401, {"error": "invalid_token"}), ProviderRejected),
        ((401, b""), ProviderRejected),
        ((500, b""), ProviderUnavailable),
        ((200, b"<html>"), ProviderProtocolError),
        ({}, ProviderProtocolError),
    ],
)
def test_a_token_that_nobody_owns_signs_nobody_in(network: Network, me: Any, kind: type[AuthkitError]) -> None:
    network.replies["me"] = me

    error = refuse(kind, lambda: make_kit(network).login_with("acme", Secret("handed-in")))

    assert (error.registration, error.__cause__, error.__context__) == ("acme", None, None)
    assert "handed-in" not in str(error)


# The callback: state


@dataclass
class World:
    """A kit whose network must stay untouched, and a browser with a login under way."""

    kit: AuthKit
    network: Network
    clock: Clock
    browser: Browser
    url: str

    def query(self, **params: str) -> str:
        return callback(self.url, code="the-code", **params)

    def refuse(self, query: str, kind: type[AuthkitError] = StateInvalid, /, **options: Any) -> AuthkitError:
        """Come back with `query`, and check that nothing was asked of the provider."""
        asked = len(self.network.sent)
        error = refuse(kind, lambda: self.browser.come_back(self.kit, query, **options))
        assert len(self.network.sent) == asked
        return error

    def assert_still_works(self, **options: Any) -> None:
        assert self.browser.come_back(self.kit, self.query(), **options).profile.subject == "user-1"

    def assert_consumed(self) -> None:
        jar = dict(self.browser.cookies)
        self.refuse(self.query())
        assert not [name for name in jar if name.startswith("__Host-authkit-")]


@pytest.fixture
def world(network: Network, clock: Clock) -> World:
    """Give a browser with a login under way."""
    kit = make_kit(network, OTHER_SETTINGS, plugins=plugins_with(acme, other), clock=clock)
    browser = Browser()
    return World(kit, network, clock, browser, browser.start(kit))


@pytest.mark.parametrize(
    "query",
    [
        "code=the-code",
        "code=the-code&state=",
        "code=the-code&state=" + "a" * 43,
        "code=the-code&state=%C3%A9",
        "code=the-code&state=%00",
        "",
        "state",
        "STATE=x",
    ],
    ids=["STA-01", "STA-05", "STA-02", "STA-14-e", "STA-14-nul", "nothing", "bare", "upper-case"],
)
def test_a_callback_without_a_good_state_is_refused_and_consumes_nothing(world: World, query: str) -> None:
    error = world.refuse(query)

    assert (error.registration, error.cookies) == ("acme", ())
    world.assert_still_works()


@pytest.mark.parametrize("state", ["%ff", "%ed%a0%80", "a" * 65_536])
def test_sta_14_a_state_that_is_no_text_is_refused_and_consumes_nothing(world: World, state: str) -> None:
    world.refuse(f"code=the-code&state={state}", InvalidRequest)

    world.assert_still_works()


def test_a_state_that_is_there_twice_is_refused_and_consumes_nothing(world: World) -> None:
    error = world.refuse(world.query() + "&" + world.query())

    assert error.reason == "the callback has more than one state"
    world.assert_still_works()


def test_sta_03_the_callback_of_another_browser_is_refused_and_not_consumed(world: World) -> None:
    victim = Browser()
    victim.start(world.kit)

    refuse(StateInvalid, lambda: victim.come_back(world.kit, world.query()))

    assert world.network.sent == []
    world.assert_still_works()


@pytest.mark.parametrize("later", [1, 600])
def test_sta_08_a_finished_callback_does_not_work_again(world: World, later: float) -> None:
    jar = dict(world.browser.cookies)
    world.assert_still_works()
    world.clock.now += later
    world.browser.cookies = jar

    error = world.refuse(world.query())

    assert [cookie.value for cookie in error.cookies] == [""]
    assert world.browser.cookies == {}
    assert len(world.network.to("/token")) == 1


def test_sta_10_a_login_is_over_at_exactly_ten_minutes(world: World) -> None:
    world.clock.now += 600

    world.refuse(world.query())

    assert world.browser.cookies == {}


def test_sta_10_a_login_holds_until_just_before(world: World) -> None:
    world.clock.now += 599.9

    world.assert_still_works()


def test_sta_11_the_state_of_another_registration_is_refused(world: World) -> None:
    error = world.refuse(world.query(), name="other")

    assert (error.registration, error.cookies) == ("other", ())
    world.assert_still_works()


@pytest.mark.parametrize(
    "options", [{"purpose": "native"}, {"bound": "account-2"}, {"purpose": "link", "bound": "x"}]
)
def test_a_login_for_something_else_is_refused(world: World, options: Mapping[str, str]) -> None:
    world.refuse(world.query(), **options)

    world.assert_still_works()


def test_a_login_with_a_purpose_is_completed_for_that_purpose(world: World) -> None:
    world.url = world.browser.start(world.kit, purpose="link", bound="account-1")

    world.refuse(world.query())
    world.refuse(world.query(), purpose="link")
    world.refuse(world.query(), purpose="link", bound="account-2")

    world.assert_still_works(purpose="link", bound="account-1")


def test_what_a_callback_was_begun_for_can_be_asked_without_claiming_it(world: World) -> None:
    assert world.kit.purpose_of(world.query(), world.browser.cookies) == "login"
    world.assert_still_works()

    world.url = world.browser.start(world.kit, purpose="link", bound="account-1")
    assert world.kit.purpose_of(world.query(), world.browser.cookies.items()) == "link"
    assert world.kit.bound_of(world.query(), world.browser.cookies.items()) == "account-1"
    world.assert_still_works(purpose="link", bound="account-1")
    assert world.kit.purpose_of(world.query(), world.browser.cookies) == ""
    assert world.kit.bound_of(world.query(), world.browser.cookies) == ""


@pytest.mark.parametrize(
    "query", ["", "code=c", "state=", "state=%ff", "state=%C3%A9", "state=a&state=b", "state=" + "a" * 65_536]
)
def test_a_callback_without_a_good_state_was_begun_for_nothing(world: World, query: str) -> None:
    assert world.kit.purpose_of(query, world.browser.cookies) == ""
    assert world.kit.bound_of(query, world.browser.cookies) == ""
    assert world.kit.purpose_of(world.query(), {}) == ""
    world.assert_still_works()


@pytest.mark.parametrize("position", [0, 5, 40, -1])
def test_ses_07_a_damaged_cookie_is_refused_and_cleared(world: World, position: int) -> None:
    ((name, value),) = world.browser.cookies.items()
    broken = list(value)
    broken[position] = "A" if broken[position] != "A" else "B"
    world.browser.cookies[name] = "".join(broken)

    world.refuse(world.query())

    assert world.browser.cookies == {}


# The callback: what else it may say


def test_an_error_without_a_state_consumes_nothing_and_is_only_logged(world: World) -> None:
    error = world.refuse("error=access_denied&error_description=x%0AINFO+ok&code=c-1&error_uri=c-1")

    assert error.reason == (
        r"the callback has an error, but no state: error=access_denied, error_description=x\nINFO ok, "
        "error_uri=[redacted]"
    )
    assert error.cookies == ()
    world.assert_still_works()


def test_denied_callback_consumes_the_transaction(world: World) -> None:
    error = world.refuse(callback(world.url, error="access_denied"), AccessDenied)

    assert (error.registration, [cookie.value for cookie in error.cookies]) == ("acme", [""])
    world.assert_consumed()


def test_sta_18_code_and_error_together_are_an_error(world: World) -> None:
    world.refuse(world.query(error="access_denied"), AccessDenied)

    world.assert_consumed()


@pytest.mark.parametrize("extra", ["code=x", "scope=a&scope=b", "error=a&error=b", "x=1&x=1"])
def test_a_parameter_that_is_there_twice_is_refused_and_consumes(world: World, extra: str) -> None:
    world.refuse(f"{world.query()}&{extra}", InvalidRequest)

    world.assert_consumed()


@pytest.mark.parametrize(
    "params", [{"access_token": ACCESS_TOKEN, "token_type": "bearer"}, {"id_token": "a.b.c"}, {"code_verifier": "x"}]
)
def test_inp_11_an_implicit_style_callback_is_refused_and_not_used(world: World, params: Mapping[str, str]) -> None:
    error = world.refuse(callback(world.url, **params), InvalidRequest)

    assert error.reason == "the callback has no code"
    world.assert_consumed()


def test_inp_11_a_token_beside_the_code_is_not_used(world: World) -> None:
    world.browser.come_back(world.kit, world.query(access_token="evil", scope="admin", open_id="user-2"))

    assert "evil" not in "".join(sent.body + str(sent.headers) for sent in world.network.sent)
    assert "admin" not in world.network.to("/token")[0].body


@pytest.mark.parametrize("code", ["c" * 65_536, "c" * 4097, "%00", "%0d%0aX:1", "%C3%A9", ""])
def test_pkc_09_a_code_that_is_no_code_is_refused(world: World, code: str) -> None:
    world.refuse(f"state={state_of(world.url)}&code={code}", InvalidRequest)


def test_pkc_07_a_code_is_sent_once_even_if_the_answer_is_lost(world: World) -> None:
    world.network.replies["token"] = TimeoutError()
    jar = dict(world.browser.cookies)

    refuse(ProviderUnavailable, lambda: world.browser.come_back(world.kit, world.query()))
    world.browser.cookies = jar
    world.refuse(world.query())

    assert len(world.network.sent) == 1


# What the provider answers


def complete(network: Network, **changes: Any) -> Login:
    return Browser().sign_in(make_kit(network, provider=replace(acme, **changes)))


def refused_answer(network: Network, kind: type[AuthkitError], **changes: Any) -> AuthkitError:
    browser = Browser()
    kit = make_kit(network, provider=replace(acme, **changes))

    error = refuse(kind, lambda: browser.sign_in(kit))

    assert error.registration == "acme"
    assert browser.cookies == {}
    return error


@pytest.mark.parametrize("endpoint", ["token", "me"])
@pytest.mark.parametrize("value", ["30", "Wed, 21 Oct 2015 07:28:00 GMT", "abc", "-1", "99999999999"])
def test_flt_05_a_rate_limit_is_passed_on_within_bounds_and_not_tried_again(
    network: Network, endpoint: str, value: str
) -> None:
    def busy(request: PreparedRequest) -> Response:
        return answer(request, 429, b"", Retry_After=value)

    network.replies[endpoint] = busy

    error = refused_answer(network, errors.ProviderRateLimited)

    assert error.retry_after == (30 if value == "30" else None)
    assert len(network.to(endpoint)) == 1


@pytest.mark.parametrize("endpoint", ["token", "me"])
@pytest.mark.parametrize("status", [200, 400])
def test_flt_07_an_error_in_the_body_is_an_error_whatever_the_status(
    network: Network, endpoint: str, status: int
) -> None:
    body = {**TOKEN, **USER, "error": "invalid_grant", "error_description": "no"}
    network.replies[endpoint] = (status, body)

    assert (
        refused_answer(network, errors.ProviderRejected).reason
        == {
            "token": "invalid_grant: no",
            "me": "the profile: invalid_grant: no",
        }[endpoint]
    )


@pytest.mark.parametrize("endpoint", ["token", "me"])
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"123", b"true", b"<html>", b'{"id": "user-1", "access_token": "a"']
)
def test_flt_10_broken_json_is_refused(network: Network, endpoint: str, body: bytes) -> None:
    network.replies[endpoint] = (200, body)

    refused_answer(network, ProviderProtocolError)


@pytest.mark.parametrize("endpoint", ["token", "me"])
def test_flt_10_a_good_answer_truncated_anywhere_is_refused(network: Network, endpoint: str) -> None:
    whole = json.dumps(network.replies[endpoint]).encode()

    for length in range(len(whole)):
        network.replies[endpoint] = (200, whole[:length])
        refused_answer(network, ProviderProtocolError)


@pytest.mark.parametrize("user", [{}, {"id": None}, {"id": ""}, {"id": "  "}])
def test_flt_11_a_user_without_an_id_is_refused(network: Network, user: Mapping[str, Any]) -> None:
    network.replies["me"] = {"name": "Ada", **user}

    refused_answer(network, ProviderProtocolError)


@pytest.mark.parametrize("subject", ["0", "123", "true", "[]", '["a"]', "{}", "1.5", "1e400"])
def test_flt_12_an_id_of_another_type_is_refused(network: Network, subject: str) -> None:
    network.replies["me"] = (200, f'{{"id": {subject}, "name": "Ada"}}'.encode())

    refused_answer(network, ProviderProtocolError)


def read_mixed(data: Mapping[str, Any]) -> Refusal | None:
    error = data.get("error")
    code = error.get("code") if isinstance(error, Mapping) else error
    return None if code in (None, "ok") else Refusal(str(code))


@pytest.mark.parametrize(
    ("error", "accepted"), [({"code": "ok"}, True), ({"code": "access_token_invalid"}, False), ("no", False)]
)
def test_flt_14_a_mixed_answer_is_judged_by_its_error(network: Network, error: Any, accepted: bool) -> None:
    network.replies["me"] = {**USER, "error": error}

    if accepted:
        assert complete(network, read_error=read_mixed).profile.subject == "user-1"
    else:
        refused_answer(network, errors.ProviderRejected, read_error=read_mixed)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3600", 3600), ('"3600"', 3600), *((text, None) for text in ("null", "0", "-1", "3600.5", '"abc"', "true"))],
)
def test_flt_22_an_end_counts_only_if_it_is_sane(network: Network, value: str, seconds: int | None) -> None:
    for text in (value, "1000000000000000000") if seconds is None else (value,):
        network.replies["token"] = (200, f'{{"access_token": "a", "expires_in": {text}}}'.encode())
        ends = complete(network).token.expires_at
        assert (ends and ends.timestamp() - 1_800_000_000) == seconds


def test_flt_22_an_answer_without_an_end_is_accepted(network: Network) -> None:
    network.replies["token"] = {"access_token": "a"}

    assert complete(network).token.expires_at is None


def test_flt_22_an_end_beyond_all_numbers_is_unknown(network: Network) -> None:
    network.replies["token"] = (200, b'{"access_token": "a", "expires_in": 1e400}')

    assert complete(network).token.expires_at is None


@pytest.mark.parametrize(
    ("scope", "granted", "missing"),
    [
        ("profile e-mail", ("profile", "e-mail"), ()),
        ("e-mail,profile", ("e-mail", "profile"), ()),
        (["profile", "e-mail"], ("profile", "e-mail"), ()),
        ("profile", ("profile",), ("e-mail",)),
        ("profile e-mail admin", ("profile", "e-mail", "admin"), ()),
        ("", (), ("profile", "e-mail")),
        ("  ", (), ("profile", "e-mail")),
        ([], (), ("profile", "e-mail")),
        (None, ("profile", "e-mail"), ()),
    ],
    ids=["all", "comma", "list", "subset", "more", "V-94", "blank", "empty-list", "missing"],
)
def test_flt_24_what_was_granted_counts(
    network: Network, scope: Any, granted: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    network.replies["token"] = {"access_token": "a", "scope": scope}

    login = complete(network, default_scope=("profile", "e-mail"))

    assert (login.granted_scopes, login.token.scope, login.missing_scopes) == (granted, granted, missing)


@pytest.mark.parametrize("scope", [1, True, {}, [1]])
def test_flt_24_a_scope_of_another_type_is_refused(network: Network, scope: Any) -> None:
    network.replies["token"] = {"access_token": "a", "scope": scope}

    refused_answer(network, ProviderProtocolError)


def test_flt_24_what_was_not_asked_for_is_not_used_for_the_user_info(network: Network) -> None:
    network.replies["token"] = {"access_token": "a", "scope": "profile admin"}
    seen: list[tuple[str, ...]] = []

    def ask(api: object, token: Token) -> Mapping[str, Any]:
        seen.append(token.scope)
        return USER

    login = complete(network, userinfo=ask)

    assert seen == [("profile",)]
    assert login.token.scope == ("profile", "admin")


@pytest.mark.parametrize("scope", ["e-mail", ""])
def test_flt_24_a_login_without_a_required_scope_is_refused(network: Network, scope: str) -> None:
    network.replies["token"] = {**TOKEN, "scope": scope}
    kit = make_kit(network, {"authkit.acme.scope": "profile e-mail", "authkit.acme.required_scope": "profile"})

    error = refuse(ScopeMissing, lambda: Browser().sign_in(kit))

    assert error.reason == "not granted, but required: profile"
    assert network.to("/me") == []


def test_flt_24_a_login_with_the_required_scope_is_accepted(network: Network) -> None:
    kit = make_kit(network, {"authkit.acme.scope": "profile e-mail", "authkit.acme.required_scope": "profile"})

    assert Browser().sign_in(kit).missing_scopes == ("e-mail",)


@pytest.mark.parametrize("token", ["", None, 1, "a\r\nX-Evil: 1", "a b", "a" * 16_384])
def test_flt_25_a_token_that_is_no_token_is_refused(network: Network, token: Any) -> None:
    network.replies["token"] = {**TOKEN, "access_token": token}

    refused_answer(network, ProviderProtocolError)

    assert network.to("/me") == []


def test_flt_25_an_answer_without_a_token_is_refused(network: Network) -> None:
    network.replies["token"] = {"token_type": "Bearer"}

    refused_answer(network, ProviderProtocolError)


def test_token_and_user_info_must_name_the_same_user(network: Network) -> None:
    network.replies["token"] = {**TOKEN, "open_id": "user-2"}

    error = refused_answer(network, ProviderProtocolError, subject_param="open_id")

    assert error.reason == "the token and the user info name different users"


def test_token_and_user_info_may_name_the_same_user(network: Network) -> None:
    network.replies["token"] = {**TOKEN, "open_id": "user-1"}

    assert complete(network, subject_param="open_id").identity.subject == "user-1"


@pytest.mark.parametrize("claims", [OSError("down"), None], ids=["DBF-01", "own"])
def test_a_kit_uses_the_store_of_claims_that_it_is_given(network: Network, claims: Exception | None) -> None:
    class Store(set[str]):
        def claim(self, key: str, expires_at: float) -> bool:
            assert expires_at == 1_800_000_660
            if claims:
                raise claims
            self.add(key)
            return True

    store = Store()
    kit = make_kit(network, claims=store)
    browser = Browser()

    if claims:
        assert refuse(StoreUnavailable, lambda: browser.sign_in(kit)).registration == "acme"
        assert (network.sent, len(store)) == ([], 0)
    else:
        browser.sign_in(kit)
        assert len(store) == 1


def test_a_kit_with_another_store_of_claims_is_the_same_otherwise(network: Network, clock: Clock) -> None:
    kit = make_kit(network, clock=clock)
    other_server = make_kit(network, clock=clock)
    shared = MemoryClaims(clock)
    one, two = kit.with_claims(shared), other_server.with_claims(shared)
    browser = Browser()
    query = callback(browser.start(kit), code="c")
    jar = dict(browser.cookies)

    browser.come_back(one, query)
    browser.cookies = jar

    assert refuse(StateInvalid, lambda: browser.come_back(two, query)).reason.startswith("the state was used before")
    assert replace(one, transactions=kit.transactions) == kit
    assert len(network.to("/token")) == 1


# Plugins that misbehave


class Own:
    """A provider that is no OAuth 2.0 code flow, and the client that it brings: it does as the test tells it."""

    name, title, default_scope = "own", "Own", ("profile",)

    def __init__(self, **answers: Any) -> None:
        self.answers = {
            "exchange": Token(Secret("own-token"), scope=("profile",)),
            "fetch_profile": Profile("user-1"),
            "refresh": Token(Secret("own-token-2")),
            "revoke": True,
            **answers,
        }
        self.asked: list[tuple[str, object]] = []

    def client(self, client_id: str, client_secret: Secret, transport: Transport) -> Own:
        assert isinstance(transport, Transport)
        self.asked.append(("client", (client_id, client_secret)))
        return self

    def authorization_url(self, request: AuthorizationRequest) -> Any:
        if "authorization_url" in self.answers:
            return self._answer("authorization_url", request)
        return f"https://own.example/?state={request.state}"

    def _answer(self, name: str, given: object) -> Any:
        self.asked.append((name, given))
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def exchange(self, response: AuthorizationResponse) -> Any:
        return self._answer("exchange", dict(response.params))

    def fetch_profile(self, token: Token) -> Any:
        return self._answer("fetch_profile", token)

    def refresh(self, token: Token) -> Any:
        return self._answer("refresh", token)

    def revoke(self, token: Token) -> Any:
        return self._answer("revoke", token)


def own_kit(**answers: Any) -> tuple[AuthKit, Own]:
    own = Own(**answers)
    settings = {
        "authkit.secret": SECRET,
        "authkit.base_url": "https://app.example",
        "authkit.own.client_id": "own-client",
        "authkit.own.client_secret": "own-secret",
    }
    return AuthKit.from_settings(settings, transport=Network(), plugins=plugins_with(own), environ={}), own


def test_a_provider_of_its_own_kind_logs_people_in() -> None:
    kit, own = own_kit()
    browser = Browser()

    url = browser.start(kit, "own")
    login = browser.come_back(kit, callback(url, ticket="t"), "own")

    assert login.identity == Identity("own", "own-client", "user-1")
    assert kit.refresh("own", login.token) == Token(Secret("own-token-2"))
    assert kit.revoke("own", login.token) is True
    assert own.asked == [
        ("client", ("own-client", Secret("own-secret"))),
        ("exchange", {"state": state_of(url), "ticket": "t"}),
        ("fetch_profile", login.token),
        ("refresh", login.token),
        ("revoke", login.token),
    ]
    with pytest.raises(ValueError, match="Own does not know the prompt 'consent'"):
        kit.begin("own", prompt="consent")


class Leaving(Own):
    """An `Own` that can be told that somebody signs out."""

    def logout_url(self, id_token: Secret | None, return_to: str) -> Any:
        return self._answer("logout_url", (id_token, return_to))


def leaving_kit(answer: Any) -> tuple[AuthKit, Own]:
    own = Leaving(logout_url=answer)
    return make_kit(plugins=plugins_with(acme, own), settings=OWN_SETTINGS), own


OWN_SETTINGS = {"authkit.own.client_id": "own-client", "authkit.own.client_secret": "own-secret"}


@pytest.mark.parametrize("answer", ["https://own.example/leave?a=b", ""])
def test_whoever_signs_out_is_sent_where_the_client_says_and_comes_back_to_the_app(answer: str) -> None:
    kit, own = leaving_kit(answer)

    assert kit.logout_url("own", Secret("id-token")) == answer
    assert own.asked[1:] == [("logout_url", (Secret("id-token"), "https://app.example/"))]


def test_a_client_that_nobody_can_be_signed_out_at_has_no_address_for_it() -> None:
    assert make_kit().logout_url("acme", None) == ""


@pytest.mark.parametrize("answer", [None, "javascript:alert(1)", "/leave", "http://own.example/"])
def test_nobody_is_sent_to_an_address_of_a_client_that_is_none(answer: Any) -> None:
    kit, _ = leaving_kit(answer)

    assert refuse(ProviderProtocolError, lambda: kit.logout_url("own", None)).registration == "own"


class Queue:
    """A breaker that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    @contextmanager
    def operation(self, *, is_patient: bool = False) -> Iterator[Queue]:
        self.told.append(is_patient)
        yield self

    def gives_up_at(self) -> float:
        return math.inf

    def heard(self) -> None:
        self.told.append("heard")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda kit: Browser().sign_in(kit, "own"), [False, False, "heard", "heard"]),
        (lambda kit: kit.refresh("own", Token(Secret("a"))), [True, "heard"]),
        (lambda kit: kit.logout_url("own", None), [False]),
    ],
    ids=["login", "refresh", "logout"],
)
def test_others_who_wait_hear_of_a_provider_that_a_client_has_asked_in_its_own_way(
    ask: Callable[[AuthKit], object], told: list[object]
) -> None:
    kit, _ = leaving_kit("https://own.example/leave")
    queue: Any = Queue()

    ask(replace(kit, breakers={**kit.breakers, "own": queue}))

    assert queue.told == told


def test_a_code_that_an_app_received_is_exchanged_as_the_app_asked_for_it(network: Network) -> None:
    login = make_kit(network).exchange("acme", "the-code", Secret("v" * 43), "com.example:/callback")

    form = network.sent[0].form
    assert (form["code"], form["code_verifier"], form["redirect_uri"]) == (
        "the-code",
        "v" * 43,
        "com.example:/callback",
    )
    assert (login.identity.subject, login.return_to, login.missing_scopes) == ("user-1", "/", ())


@pytest.mark.parametrize(("promised", "issuer"), [("", "https://a.example"), ("https://a.example", None)])
def test_mix_02_a_code_that_an_app_received_from_another_issuer_is_not_sent(
    network: Network, promised: str, issuer: str | None
) -> None:
    kit = make_kit(network, provider=replace(acme, issuer=promised))

    error = refuse(
        IssuerMismatch, lambda: kit.exchange("acme", "c", Secret("v" * 43), "com.example:/cb", issuer=issuer)
    )

    assert (error.registration, network.sent) == ("acme", [])


def test_a_code_that_an_app_received_from_the_promised_issuer_is_exchanged(network: Network) -> None:
    kit = make_kit(network, provider=replace(acme, issuer="https://a.example"))

    assert kit.exchange("acme", "c", Secret("v" * 43), "com.example:/cb", issuer="https://a.example").registration


WRONG: list[Any] = [None, {"subject": "user-1"}, "user-1", 5, LookupError("canary")]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
@pytest.mark.parametrize("step", ["exchange", "fetch_profile", "refresh", "revoke"])
def test_plg_08_a_client_of_a_wrong_kind_of_answer_is_a_protocol_error(step: str, wrong: Any) -> None:
    kit, _ = own_kit(**{step: wrong})
    token = Token(Secret("a"))
    calls: dict[str, Callable[[], object]] = {
        "refresh": lambda: kit.refresh("own", token),
        "revoke": lambda: kit.revoke("own", token),
    }

    error = refuse(ProviderProtocolError, calls.get(step, lambda: Browser().sign_in(kit, "own")))

    assert error.registration == "own"
    assert re.match(
        r"(the profile: )?(the plugin returned a (NoneType|dict|str|int), not a|LookupError at test_flow.py)",
        error.reason,
    )
    assert (error.reason.startswith("the profile: ")) == (step == "fetch_profile")
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("wrong", [None, 5, b"https://own.example/", LookupError("canary")])
def test_plg_08_a_client_without_an_address_is_a_protocol_error(wrong: Any) -> None:
    kit, _ = own_kit(authorization_url=wrong)

    error = refuse(ProviderProtocolError, lambda: kit.begin("own"))

    assert error.registration == "own"
    assert re.match(r"the plugin returned a (NoneType|int|bytes), not a str|LookupError at", error.reason)
    assert (error.__cause__, error.__context__) == (None, None)


@pytest.mark.parametrize("wrong", [None, {"subject": "user-1"}, "user-1", Profile], ids=repr)
def test_plg_08_a_profile_function_must_return_a_profile(network: Network, wrong: Any) -> None:
    kind = type(wrong).__name__

    error = refused_answer(network, ProviderProtocolError, profile=lambda _: wrong)

    assert error.reason == (
        f"the profile: the plugin returned a {kind}, not a Profile; in the plugin's function test_flow."
        "test_plg_08_a_profile_function_must_return_a_profile.<locals>.<lambda>"
    )


def test_plg_08_a_profile_function_must_not_be_a_coroutine(network: Network) -> None:
    async def profile(data: Mapping[str, Any]) -> Profile:
        raise NotImplementedError

    coroutine = profile({})

    error = refused_answer(network, ProviderProtocolError, profile=lambda _: coroutine)
    coroutine.close()

    assert error.reason.startswith(
        "the profile: the plugin returned a coroutine, not a Profile; in the plugin's function test_flow."
    )


@pytest.mark.parametrize("wrong", [None, [], "user-1", 5])
def test_plg_08_a_user_info_function_of_a_wrong_type_is_a_protocol_error(network: Network, wrong: Any) -> None:
    refused_answer(network, ProviderProtocolError, userinfo=lambda _api, _token: wrong)


@pytest.mark.parametrize("wrong", [True, "no", {"error": "no"}])
def test_plg_08_a_read_error_of_a_wrong_type_is_a_protocol_error(network: Network, wrong: Any) -> None:
    refused_answer(network, ProviderProtocolError, read_error=lambda data: wrong if "id" in data else None)


@pytest.mark.parametrize("wrong", [None, b"challenge", 5, LookupError("canary")])
def test_plg_08_a_challenge_of_a_wrong_type_begins_no_login(wrong: Any) -> None:
    def challenge(verifier: str) -> Any:
        if isinstance(wrong, Exception):
            raise wrong
        return wrong

    error = refuse(
        ProviderProtocolError, lambda: make_kit(provider=replace(acme, code_challenge=challenge)).begin("acme")
    )

    assert re.match(
        r"the plugin returned a (NoneType|bytes|int), not a str; in the|LookupError at test_fl", error.reason
    )


def test_a_plugin_may_raise_an_error_of_ours(network: Network) -> None:
    def deny(data: Mapping[str, Any]) -> Profile:
        raise ScopeMissing("the plugin says so")

    assert (
        str(refused_answer(network, ScopeMissing, profile=deny)) == "scope_missing: the profile: the plugin says so"
    )


def test_a_plugin_that_does_not_say_why_leaves_which_call_it_was(network: Network) -> None:
    def deny(data: Mapping[str, Any]) -> Profile:
        raise ScopeMissing

    assert refused_answer(network, ScopeMissing, profile=deny).reason == "the profile"


@pytest.mark.parametrize("waiting", ["exchange", "refresh", "revoke"])
def test_a_process_that_is_told_to_end_while_it_waits_for_a_provider_ends(network: Network, waiting: str) -> None:
    def terminated(request: PreparedRequest) -> Response:
        sys.exit(0)  # as many a handler of SIGTERM does

    network.replies.update(token=terminated, revoke=terminated)
    kit = make_kit(network)
    token = Token(Secret("access"), Secret("refresh"))
    calls = {
        "exchange": lambda: Browser().sign_in(kit),
        "refresh": lambda: kit.refresh("acme", token),
        "revoke": lambda: kit.revoke("acme", token),
    }

    with pytest.raises(SystemExit):
        calls[waiting]()

    network.repair()
    assert Browser().sign_in(kit).identity.subject == "user-1"


# One deadline for each operation


def test_all_calls_of_an_operation_share_one_deadline(network: Network) -> None:
    ends: list[float] = []

    def note(body: Mapping[str, Any]) -> Callable[[PreparedRequest], Response]:
        def reply(request: PreparedRequest) -> Response:
            deadline = Deadline.current()
            assert deadline is not None
            assert deadline.seconds == 15
            ends.append(deadline.ends_at)
            time.sleep(0.002)
            return answer(request, 200, body)

        return reply

    network.replies.update(token=note(TOKEN), me=note(USER), revoke=note({}))
    kit = make_kit(network)

    token = Browser().sign_in(kit).token
    kit.refresh("acme", token)
    kit.revoke("acme", token)

    assert Deadline.current() is None
    assert len(ends) == 4
    assert ends[0] == ends[1] < ends[2] < ends[3]


# Nothing of one login in another


def test_con_01_two_logins_in_one_browser_do_not_disturb_each_other(network: Network) -> None:
    kit = make_kit(network, random=CountingRandom())
    browser = Browser()
    urls = [browser.start(kit, return_to=f"/{number}") for number in (1, 2)]

    logins = [browser.come_back(kit, callback(urls[number], code=f"code-{number}")) for number in (1, 0)]

    assert [login.return_to for login in logins] == ["/2", "/1"]
    verifiers = [sent.form["code_verifier"] for sent in network.to("/token")]
    assert verifiers[1] == FIRST_VERIFIER != verifiers[0]
    assert [sent.form["code"] for sent in network.to("/token")] == ["code-1", "code-0"]
    assert browser.cookies == {}


def test_con_06_another_process_completes_what_one_began(network: Network) -> None:
    browser = Browser()
    url = browser.start(make_kit())

    assert browser.come_back(make_kit(network), callback(url, code="c")).profile.subject == "user-1"


def test_con_05_two_hundred_logins_at_once_do_not_mix() -> None:
    dice = random.Random(1)

    def token(request: PreparedRequest) -> Response:
        code = dict(parse_qsl(str(request.body)))["code"]
        time.sleep(dice.random() / 1000)
        return answer(request, 200, {"access_token": f"token-{code}", "open_id": f"user-{code}"})

    def me(request: PreparedRequest) -> Response:
        time.sleep(dice.random() / 1000)
        return answer(request, 200, {"id": request.headers["Authorization"].replace("Bearer token-", "user-")})

    network = Network(token=token, me=me)
    kit = make_kit(network, provider=replace(acme, subject_param="open_id", profile=lambda data: Profile(data["id"])))
    browsers = [Browser() for _ in range(200)]
    urls = [browser.start(kit, return_to=f"/{number}") for number, browser in enumerate(browsers)]
    order = random.Random(2).sample(range(200), 200)
    together = threading.Barrier(20)

    def finish(number: int) -> tuple[str, str, str, str]:
        if len(network.sent) == 0:
            together.wait()
        login = browsers[number].come_back(kit, callback(urls[number], code=str(number)))
        return login.return_to, login.identity.subject, login.profile.subject, login.token.access_token.reveal()

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(finish, order))

    assert results == [(f"/{each}", f"user-{each}", f"user-{each}", f"token-{each}") for each in order]
    verifiers = {sent.form["code"]: sent.form["code_verifier"] for sent in network.to("/token")}
    assert len(set(verifiers.values())) == len(verifiers) == 200


def test_con_02_of_twenty_equal_callbacks_at_once_one_is_exchanged(network: Network) -> None:
    kit = make_kit(network)
    redirect = kit.begin("acme")
    query = callback(redirect.url, code="c")
    together = threading.Barrier(20)

    def finish(_: int) -> str:
        together.wait()
        try:
            return kit.complete("acme", query, redirect.cookies).login.profile.subject
        except StateInvalid as error:
            return error.code

    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(finish, range(20))) == ["state_invalid"] * 19 + ["user-1"]
    assert len(network.to("/token")) == 1


def test_ses_04_of_sixty_logins_in_one_browser_the_last_one_works(network: Network, clock: Clock) -> None:
    kit = make_kit(network, clock=clock)
    browser = Browser()
    for number in range(60):
        url = browser.start(kit, return_to=f"/{number}")
        clock.now += 1

    assert len(browser.cookies) <= 10
    assert max(len(name) + len(value) for name, value in browser.cookies.items()) < 4096
    assert browser.come_back(kit, callback(url, code="c")).return_to == "/59"


# The audit line and the observers

Audit: TypeAlias = Callable[[], list[tuple[str, str]]]


@pytest.fixture
def audit(caplog: pytest.LogCaptureFixture) -> Audit:
    """Give the level and the text of each audit record so far."""
    caplog.set_level(logging.INFO, "authkit.audit")
    return lambda: [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "authkit.audit"]


def test_g_7_a_login_that_succeeded_is_one_audit_record(audit: Audit) -> None:
    seen: list[Login] = []

    def note(login: Login) -> None:
        seen.append(login)

    kit = make_kit(plugins=plugins_with(acme, authkit_login_succeeded=note))
    login = Browser().sign_in(kit)

    kit.succeeded(login)

    assert audit() == [
        (
            "INFO",
            f"outcome=success code=ok provider=acme registration=acme ref={login.correlation_id} "
            "identity=v1:acme:acme-client:user-1",
        )
    ]
    assert seen == [login]


def test_g_7_a_login_that_failed_is_one_audit_record(audit: Audit) -> None:
    seen: list[AuthkitError] = []

    def note(error: AuthkitError) -> None:
        seen.append(error)

    kit = make_kit(plugins=plugins_with(acme, authkit_login_failed=note))
    error = errors.ProviderRejected("bad\ncode", registration="acme", log_id="log-1")

    kit.failed(error)

    assert audit() == [
        (
            "WARNING",
            f"outcome=failure code=provider_rejected provider=acme registration=acme ref={error.correlation_id} "
            r"log_id=log-1 cause=bad\ncode",
        )
    ]
    assert seen == [error]


@pytest.mark.parametrize("registration", ["", "nope", "a\nb"])
def test_g_7_a_failure_of_no_registration_is_logged_without_its_name(audit: Audit, registration: str) -> None:
    error = UnknownProvider(registration=registration)

    make_kit().failed(error)

    assert audit() == [
        (
            "WARNING",
            f"outcome=failure code=unknown_provider provider=- registration=- ref={error.correlation_id} "
            "log_id=- cause=-",
        )
    ]


# Secrets


CODE = "kK3-code-that/nobody+may=see"
CANARIES = (CODE, FIRST_STATE, FIRST_VERIFIER, CLIENT_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, SECRET)
ECHO = " ".join((*CANARIES, *(quote(text, safe="") for text in CANARIES)))
TOKEN_SECRETS = (CLIENT_SECRET, ACCESS_TOKEN, REFRESH_TOKEN)
LOGIN_SECRETS = (CODE, FIRST_STATE, FIRST_VERIFIER, *TOKEN_SECRETS)


def refusal_with(*known: str) -> Mapping[str, Any]:
    """Return a refusal that echoes what the provider was told."""
    return {
        "error": "odd",
        "error_description": " ".join((*known, *(quote(text, safe="") for text in known))),
        **TOKEN,
    }


def leak(data: Mapping[str, Any]) -> Profile:
    raise ValueError(ECHO, data)


def leak_by_cause(data: Mapping[str, Any]) -> Profile:
    try:
        return leak(data)
    except ValueError as exc:
        raise RuntimeError(ECHO) from exc


@dataclass
class Scenario:
    """Something that goes wrong."""

    replies: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    params: Mapping[str, str] = dataclasses.field(default_factory=dict)
    changes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    operation: str = "complete"
    query: str = ""
    age: float = 0


SCENARIOS = {
    "denied": Scenario(params={"error": "access_denied", "error_description": f"{CODE} {FIRST_STATE}"}),
    "error-without-state": Scenario(query=urlencode({"error": "x", "error_uri": f"u?code={CODE}", "code": CODE})),
    "no-state": Scenario(query=urlencode({"code": CODE})),
    "two-states": Scenario(query=urlencode({"code": CODE, "state": FIRST_STATE}) + f"&state={FIRST_STATE}"),
    "twice": Scenario(query=urlencode({"code": CODE, "state": FIRST_STATE}) + "&code=" + quote(CODE)),
    "no-utf-8": Scenario(query=urlencode({"code": CODE, "state": FIRST_STATE}) + "&x=%ff"),
    "expired": Scenario(age=600),
    "bad-code": Scenario(query=urlencode({"code": CODE + "\n", "state": FIRST_STATE})),
    "issuer": Scenario(params={"iss": f"https://evil.example/{CODE}"}),
    "token-400": Scenario({"token": (400, refusal_with(*LOGIN_SECRETS))}),
    "token-200": Scenario({"token": (200, refusal_with(*LOGIN_SECRETS))}),
    "token-500": Scenario({"token": (500, refusal_with(*LOGIN_SECRETS))}),
    "token-429": Scenario({"token": (429, refusal_with(*LOGIN_SECRETS))}),
    "token-html": Scenario({"token": (200, ECHO.encode())}),
    "token-json": Scenario({"token": (200, f'{{"a": "{ECHO}", "a": NaN}}'.encode())}),
    "token-type": Scenario({"token": {**TOKEN, "token_type": ECHO}}),
    "token-blanks": Scenario({"token": {**TOKEN, "access_token": ECHO}}),
    "token-scope": Scenario({"token": {**TOKEN, "scope": {ECHO: 1}}}),
    "token-list": Scenario({"token": (200, [ECHO])}),
    "network": Scenario({"token": ConnectionError(ECHO)}),
    "time": Scenario({"token": TimeoutError(ECHO)}),
    "scope": Scenario(
        {"token": {**TOKEN, "scope": f"{CODE} {CLIENT_SECRET}"}}, settings={"authkit.acme.required_scope": "profile"}
    ),
    "subject": Scenario({"token": {**TOKEN, "open_id": ECHO}}, changes={"subject_param": "open_id"}),
    "user-400": Scenario({"me": (400, refusal_with(*TOKEN_SECRETS))}),
    "user-html": Scenario({"me": (200, ECHO.encode())}),
    "user-id": Scenario({"me": {"id": [ECHO], "name": ECHO}}),
    "user-name": Scenario({"me": {"id": "user-1", "name": {ECHO: 1}}}),
    "plugin-raises": Scenario(changes={"profile": leak}),
    "plugin-raises-from": Scenario(changes={"profile": leak_by_cause}),
    "plugin-returns": Scenario(changes={"profile": lambda data: {ECHO: data}}),
    "refresh-400": Scenario({"token": (400, refusal_with(*TOKEN_SECRETS))}, operation="refresh"),
    "refresh-grant": Scenario(
        {"token": (400, {**refusal_with(*TOKEN_SECRETS), "error": "invalid_grant"})}, operation="refresh"
    ),
    "refresh-html": Scenario({"token": (200, ECHO.encode())}, operation="refresh"),
    "refresh-subject": Scenario(
        {"token": {**TOKEN, "open_id": ECHO}}, changes={"subject_param": "open_id"}, operation="refresh"
    ),
    "revoke-400": Scenario({"revoke": (400, refusal_with(*TOKEN_SECRETS))}, operation="revoke"),
    "revoke-html": Scenario({"revoke": (200, ECHO.encode())}, operation="revoke"),
    "revoke-network": Scenario({"revoke": ConnectionError(ECHO)}, operation="revoke"),
}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield `error` and all that it came from."""
    if error is not None:
        yield error
        yield from chain(error.__cause__)
        yield from chain(error.__context__)


def texts_of(error: AuthkitError) -> Iterator[str]:
    for each in chain(error):
        yield from (str(each), repr(each), repr(each.args), repr(vars(each)), *getattr(each, "__notes__", ()))
        yield from traceback.format_exception(each)


def assert_no_canary(texts: Iterator[str]) -> None:
    for text in texts:
        for canary in CANARIES:
            for form in (canary, quote(canary, safe=""), repr(canary)[1:-1]):
                assert form not in text


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@pytest.mark.parametrize("token_auth", ["basic", "body"])
def test_lek_03_no_failure_shows_a_secret(name: str, token_auth: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scenario, clock, network = SCENARIOS[name], Clock(), Network()
    network.replies.update(scenario.replies)
    kit = make_kit(
        network,
        scenario.settings,
        provider=replace(acme, token_auth=token_auth, **scenario.changes),
        clock=clock,
        random=CountingRandom(),
    )
    browser = Browser()
    url = browser.start(kit)
    clock.now += scenario.age
    token = Token(Secret(ACCESS_TOKEN), Secret(REFRESH_TOKEN), subject="user-1")
    operations: Mapping[str, Callable[[], object]] = {
        "complete": lambda: browser.come_back(
            kit, scenario.query or callback(url, **{"code": CODE, **scenario.params})
        ),
        "refresh": lambda: kit.refresh("acme", token),
        "revoke": lambda: kit.revoke("acme", token),
    }

    with pytest.raises(AuthkitError) as caught:
        operations[scenario.operation]()
    kit.failed(caught.value)

    assert_no_canary(texts_of(caught.value))
    assert_no_canary(f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records)
    assert [record.name for record in caplog.records if record.name == "authkit.audit"] == ["authkit.audit"]


def test_lek_01_no_success_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kit = make_kit(Network(), random=CountingRandom())

    login = Browser().sign_in(kit, code=CODE)
    kit.succeeded(login)
    kit.refresh("acme", login.token)
    kit.revoke("acme", login.token)

    assert_no_canary(f"{record.getMessage()} {record.args!r} {record.exc_text}" for record in caplog.records)
    assert_no_canary(iter([repr(login), repr(kit), repr(kit.registrations), str(login.token)]))


@pytest.mark.parametrize("more", [("e-mail", "videos"), "e-mail videos", "e-mail,videos", ["videos", "profile"]])
def test_what_is_asked_for_besides_may_be_a_list_or_a_text(more: Any) -> None:
    asked = dict(parse_qsl(make_kit().begin("acme", scope=more).url))["scope"]
    words = more.replace(",", " ").split() if isinstance(more, str) else more
    assert asked == " ".join(dict.fromkeys(["profile", *words]))


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://x/\r\nSet-Cookie: a=b", "https://x/é", "/start"])
def test_an_address_of_a_plugin_that_no_header_takes_is_a_protocol_error(url: str) -> None:
    class Odd:
        name, title, default_scope = "acme", "Acme", ("profile",)

        def client(self, client_id, client_secret, transport):
            return self

        def authorization_url(self, request):
            return url

    refuse(ProviderProtocolError, lambda: make_kit(provider=Odd()).begin("acme"))


def test_a_plugin_s_config_error_at_request_time_is_a_protocol_error(network: Network) -> None:
    def userinfo(api: Any, token: Token) -> Any:
        raise ConfigError("no")

    refused_answer(network, ProviderProtocolError, userinfo=userinfo)


def test_lek_01_a_plugin_s_own_thread_logs_no_token_and_has_no_time_of_its_own(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    deadlines: list[Deadline | None] = []

    def note(request: Any) -> Any:
        deadlines.append(Deadline.current())
        return answer(request, 200, USER)

    def userinfo(api: Any, token: Token) -> Any:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(api.get_json, api.userinfo_url).result()

    network.replies["me"] = note
    complete(network, userinfo=userinfo)

    assert ACCESS_TOKEN not in caplog.text
    assert deadlines[0] is not None


@pytest.mark.parametrize(
    "reply",
    [
        {"error": {"code": 0, "access_token": "nested-canary"}},
        {"error": "x", "error_description": "issued nested-canary", "data": [{"access_token": "nested-canary"}]},
    ],
)
def test_g_4_a_token_beside_an_error_is_not_logged_at_any_depth(network: Network, reply: Any) -> None:
    network.replies["token"] = (400, reply)
    assert "nested-canary" not in refused_answer(network, ProviderRejected).reason


def test_g_4_http_basic_that_is_echoed_is_not_logged(network: Network) -> None:
    sent = b64encode(f"acme-client:{CLIENT_SECRET}".encode()).decode()
    network.replies["token"] = (400, {"error": "invalid_request", "error_description": f"bad header: Basic {sent}"})
    assert refused_answer(network, ProviderRejected).reason == "invalid_request: bad header: Basic [redacted]"


def test_lek_01_a_secret_that_is_echoed_and_cut_off_is_not_logged_and_the_client_is_named(network: Network) -> None:
    said = f"client acme-client sent {CLIENT_SECRET[:12]}..."
    network.replies["token"] = (400, {"error": "invalid_request", "error_description": said})
    assert refused_answer(network, ProviderRejected).reason == (
        "invalid_request: client acme-client sent [redacted]..."
    )
