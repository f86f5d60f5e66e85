"""Attacks on the adapter, each by its number, and what must hold of every refusal."""

from __future__ import annotations

import itertools
import json
import random as seeded_random
import threading
import time
import zlib
from base64 import urlsafe_b64decode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlencode, urlsplit

import ada_url
import pytest
from fakes import CLIENT_SECRET, TOKEN, USER, Clock, answer, make_kit, state_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyramid.response import Response
from pyramid.security import remember
from pyramid_apps import (
    CODE,
    KEY,
    acme,
    answer_of,
    assert_safe_headers,
    call,
    cookies_set,
    handled_by,
    make_app,
    named,
    other,
    server_session,
    session_policy,
    signed_cookie_session,
)
from redirect_payloads import BAD, BY_ROW, GOOD, ODD

from authkit import pkce
from authkit.errors import AccountDenied

pytestmark = pytest.mark.pyramid

CALLBACK = "/auth/acme/callback"
ORIGIN = "https://app.example"

KINDS = {"plain": (), "server": (server_session(), session_policy), "cookie": (signed_cookie_session, session_policy)}


@pytest.fixture(params=KINDS)
def any_world(request, new_world):
    """Give a world for each way to keep who is signed in."""
    return new_world(*KINDS[request.param])


# State, and login CSRF.


def test_sta_01_a_callback_without_state_is_refused(any_world):
    browser = any_world.browser()
    state = any_world.start(browser)

    any_world.refused(browser, f"{CALLBACK}?code={CODE}", "state_invalid")

    assert browser.get(any_world.callback(state), status=303), "the login that is under way was not touched"


def test_sta_02_a_state_that_nobody_has_seen_is_refused_and_begins_no_session(any_world):
    browser = any_world.browser()

    response = any_world.refused(browser, any_world.callback("x" * 43), "state_invalid")

    assert "Set-Cookie" not in response.headers
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "query",
    [
        "code=c;state={}", "code=c&state[]={}", "code=c&STATE={}", "code=c&%EF%BB%BFstate={}", "code=c&state={}%00",
        "code=c&state={}%20", "code=c&state=+{}", "code=c&state={}%0A", "code=c&state={}%3D", "code=c&state=%22{}%22",
        "error=access_denied&state={}%00",
    ],
)  # fmt: skip
def test_sta_02_what_only_resembles_the_state_is_none(world, query):
    started = call(world.app, "/auth/acme")
    [(name, cookie)] = cookies_set(started).items()
    jar, state = f"{name}={cookie['value']}", state_of(started.get("Location"))

    refused = world.refused_raw("state_invalid", CALLBACK, query.format(state), HTTP_COOKIE=jar)

    assert refused.all("Set-Cookie") == []
    assert call(world.app, CALLBACK, f"code=c&state={state}", HTTP_COOKIE=jar).status == 303


def test_sta_03_the_attacker_s_own_callback_signs_nobody_else_in(any_world):
    attacker, victim = any_world.browser(), any_world.browser()
    state = any_world.start(attacker)

    any_world.refused(victim, any_world.callback(state), "state_invalid")

    assert any_world.me(victim) == "anonymous"
    attacker.get(any_world.callback(state), status=303)
    assert any_world.me(attacker) == KEY


def test_sta_03_a_victim_with_a_login_of_its_own_under_way_is_safe_too(any_world):
    attacker, victim = any_world.browser(), any_world.browser()
    theirs, own = any_world.start(attacker), any_world.start(victim)

    any_world.refused(victim, any_world.callback(theirs), "state_invalid")

    victim.get(any_world.callback(own), status=303)


def test_sta_05_an_empty_state_is_not_a_missing_one_nor_an_empty_cookie(world):
    browser = world.browser()

    world.refused(browser, f"{CALLBACK}?code={CODE}&state=", "state_invalid")
    world.refused_raw("state_invalid", CALLBACK, f"code={CODE}&state=", HTTP_COOKIE="__Host-authkit-=; authkit-=x")


@pytest.mark.parametrize("later", [1, 600])
def test_sta_08_a_callback_counts_once(any_world, later):
    browser = any_world.browser()
    state = any_world.start(browser)
    jar = f"{next(iter(browser.cookies))}={next(iter(browser.cookies.values()))}"
    browser.get(any_world.callback(state), status=303)

    any_world.clock.now += later
    any_world.refused(browser, any_world.callback(state), "state_invalid")
    any_world.refused_raw("state_invalid", CALLBACK, f"code={CODE}&state={state}", HTTP_COOKIE=jar)

    assert any_world.exchanges == 1
    assert any_world.me(browser) == KEY


def test_sta_10_a_login_ends_after_ten_minutes(world):
    early, exact, late = (world.browser() for _ in range(3))
    states = [world.start(browser) for browser in (early, exact, late)]

    world.clock.now += 599
    early.get(world.callback(states[0]), status=303)
    world.clock.now += 1
    world.refused(exact, world.callback(states[1]), "state_invalid")
    world.clock.now += 1
    world.refused(late, world.callback(states[2]), "state_invalid")


def test_sta_11_a_state_counts_for_its_own_provider_only(world):
    browser = world.browser()
    state = world.start(browser, "other")

    world.refused(browser, world.callback(state, "acme"), "state_invalid")

    assert world.network.sent == []
    browser.get(world.callback(state, "other"), status=303)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("%c3%a9", "state_invalid"),
        ("\xc3\xa9", "state_invalid"),
        ("\xff", "state_invalid"),
        ("%00", "state_invalid"),
        ("\x00", "state_invalid"),
        ("%ff", "invalid_request"),
        ("%ed%a0%80", "invalid_request"),
        ("a" * 65_536, "invalid_request"),
    ],
)
def test_sta_14_bytes_that_no_state_has_are_refused(world, raw, code):
    cookies = "; ".join(f"__Host-authkit-{digit * 32}=x" for digit in "0123456789abcdef")

    world.refused_raw(code, CALLBACK, f"code={CODE}&state={raw}", HTTP_COOKIE=cookies)


def test_sta_15_and_pkc_02_ten_thousand_states_and_verifiers_are_all_different():
    seeded_random.seed(1)
    kit = make_kit(clock=Clock())
    queries = [parse_qs(urlsplit(kit.begin("acme").url).query) for _ in range(10_000)]
    states = [query["state"][0] for query in queries]
    challenges = {query["code_challenge"][0] for query in queries}

    assert len(set(states)) == len(challenges) == 10_000
    assert {len(state) for state in states} == {43}, "256 bits"
    assert all(len({state[index] for state in states}) > 10 for index in range(43)), "no part is common to all"
    assert not challenges & {pkce.s256(state) for state in states}, "one does not follow from the other"
    seeded_random.seed(1)
    assert state_of(make_kit(clock=Clock()).begin("acme").url) not in states


def test_sta_16_nothing_can_be_read_in_a_state(world):
    browser = world.browser()
    state = world.start(browser, return_to="/inbox")

    assert "." not in state
    content = urlsafe_b64decode(state + "=")
    assert len(content) == 32
    assert b"inbox" not in content
    with pytest.raises(ValueError, match=r"."):
        json.loads(content)


def test_sta_18_a_code_beside_an_error_is_not_exchanged(world):
    browser = world.browser()
    state = world.start(browser)

    world.refused(browser, world.callback(state, error="access_denied"), "access_denied")

    world.refused(browser, world.callback(state), "state_invalid")


def test_sta_20_a_login_never_links_to_who_is_signed_in(any_world):
    browser = any_world.browser()
    any_world.log_in(browser)
    any_world.network.replies["me"] = {**USER, "id": "nobody-s-yet"}

    any_world.refused(browser, any_world.callback(any_world.start(browser)), "account_conflict", exchanges=1)

    assert any_world.me(browser) == KEY


@pytest.mark.parametrize(
    "method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", ""]
)
def test_sta_21_other_methods_neither_begin_nor_use_up_a_login(world, method):
    browser = world.browser()
    state = world.start(browser)
    [(name, value)] = browser.cookies.items()

    started = call(world.app, "/auth/acme", method=method)
    finished = call(world.app, CALLBACK, f"code={CODE}&state={state}", method=method, HTTP_COOKIE=f"{name}={value}")

    for refused in (started, finished):
        assert (refused.status, refused.get("Allow")) == (405, "GET")
        assert_safe_headers(refused)
        assert refused.all("Set-Cookie") == []
    assert world.exchanges == 0
    browser.get(world.callback(state), status=303)


# Cookies.


def test_ses_03_the_transaction_s_cookie_is_bound_to_the_host_and_short_lived(world):
    browser = world.browser()
    started = cookies_set(answer_of(browser.get("/auth/acme")))
    [(name, cookie)] = started.items()

    assert name.startswith("__Host-authkit-")
    assert {key: value for key, value in cookie.items() if key != "value"} == {
        "secure": True,
        "httponly": True,
        "samesite": "Lax",
        "path": "/",
        "max-age": "600",
    }
    finished = cookies_set(answer_of(browser.get(world.callback(world.start(browser)), status=303)))
    assert name not in finished
    assert {**finished[min(set(finished) - {"__Host-authkit_session"})], "max-age": "600"} == {**cookie, "value": ""}


def test_ses_04_sixty_unfinished_logins_leave_ten_small_cookies_and_the_last_one_works(world):
    browser = world.browser()
    for _ in range(60):
        state = world.start(browser, return_to="/" + "a" * 300)

    ours = {name: value for name, value in browser.cookies.items() if name.startswith("__Host-authkit-")}
    assert len(ours) <= 10
    assert sum(len(name) + len(value) for name, value in ours.items()) < 4096
    browser.get(world.callback(state), status=303)


def test_ses_04_the_oldest_is_dropped_first(world):
    browser = world.browser()
    states = []
    for _ in range(12):
        states.append(world.start(browser))
        world.clock.now += 1

    for state in states[:2]:
        world.refused(browser, world.callback(state), "state_invalid")
    assert browser.get(world.callback(states[-1]), status=303)


def damaged(good):
    """Yield what a cookie may become on its way."""
    yield "x" * 16_000
    yield "!!! no base64"
    yield "%00"
    yield "\xff"
    yield '"\\377\\000"'
    yield ""
    yield good[:-1]
    yield good[: len(good) // 2]
    yield "A" + good[1:] if good[0] != "A" else "B" + good[1:]
    yield good[:-2] + ("AA" if good[-2:] != "AA" else "BB")


@pytest.mark.parametrize("number", range(10))
def test_ses_07_a_damaged_cookie_is_no_cookie(world, number):
    started = call(world.app, "/auth/acme")
    state = state_of(started.get("Location"))
    [(name, cookie)] = cookies_set(started).items()
    header = f"{name}={list(damaged(cookie['value']))[number]}"

    assert call(world.app, "/auth/acme", HTTP_COOKIE=header).status == 302
    world.refused_raw("state_invalid", CALLBACK, f"code={CODE}&state={state}", HTTP_COOKIE=header)
    assert world.exchanges == 0


def test_ses_07_many_cookies_that_are_none_are_cleared_within_bounds(world):
    header = "; ".join(f"__Host-authkit-{number:032x}=x" for number in range(500))

    started = call(world.app, "/auth/acme", HTTP_COOKIE=header)

    assert started.status == 302
    assert len(started.all("Set-Cookie")) <= 51


def test_ses_07_a_cookie_that_was_sealed_with_another_secret_is_no_cookie(world):
    foreign = make_kit(settings={"authkit.secret": "a-secret-that-was-thrown-away-long-ago"}).begin("acme")
    [cookie] = foreign.cookies

    query = f"code={CODE}&state={state_of(foreign.url)}"
    refused = world.refused_raw("state_invalid", CALLBACK, query, HTTP_COOKIE=f"{cookie.name}={cookie.value}")

    assert cookies_set(refused)[cookie.name]["max-age"] == "0"


def test_ses_07_the_cookie_of_one_state_does_not_open_under_the_name_of_another(world):
    first, second = (call(world.app, "/auth/acme") for _ in range(2))
    [(name, _)] = cookies_set(first).items()
    [(_, stolen)] = cookies_set(second).items()

    query = f"code={CODE}&state={state_of(first.get('Location'))}"
    world.refused_raw("state_invalid", CALLBACK, query, HTTP_COOKIE=f"{name}={stolen['value']}")


def readings(value):
    """Yield all that somebody may try to read in a cookie."""
    raw = value.encode("latin-1")
    yield raw
    yield unquote_to_bytes(value)
    for part in (raw, *raw.split(b"."), *raw.split(b"!"), unquote_to_bytes(value)):
        for padding in (b"", b"=", b"=="):
            try:
                decoded = urlsafe_b64decode(part + padding)
            except ValueError:
                continue
            yield decoded
            with suppress(zlib.error):
                yield zlib.decompress(decoded)


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
def test_ses_09_no_cookie_holds_anything_secret(new_world, parts):
    world = new_world(*parts)
    browser = world.browser()

    started = browser.get("/auth/acme?return_to=/inbox")
    finished = browser.get(world.callback(state_of(started.location)))

    values = [c["value"] for r in (started, finished) for c in cookies_set(answer_of(r)).values()]
    assert any(values)
    for value, canary in itertools.product(values, world.canaries):
        assert not any(canary.encode() in reading for reading in readings(value))


def test_ses_12_an_account_that_the_app_refuses_is_not_signed_in(new_world):
    def handler(request, login):
        remember(request, login.identity.key)
        raise AccountDenied("disabled")

    world = new_world(handled_by(handler), session_policy, signed_cookie_session)
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "account_denied", exchanges=1)

    assert "registration=acme" in world.audit[-1]


# Mix-up, code injection.


@pytest.mark.parametrize("more", [{}, {"error": "access_denied"}])
def test_mix_01_an_answer_of_another_issuer_is_refused(world, more):
    browser = world.browser()

    path = world.callback(world.start(browser), iss="https://evil.example", **more)
    response = world.refused(browser, path, "issuer_mismatch")

    assert "evil" not in response.text
    assert world.network.sent == []


def test_mix_02_an_issuer_that_is_promised_has_to_be_there(new_world):
    world = new_world(providers=[replace(acme, issuer="https://acme.example"), other])
    world.works = "other"
    browser = world.browser()

    for more in ({}, {"error": "access_denied"}, {"iss": ""}, {"iss": "https://acme.example/"}):
        world.refused(browser, world.callback(world.start(browser), **more), "issuer_mismatch")
    browser.get(world.callback(world.start(browser), iss="https://acme.example"), status=303)


def test_pkc_03_a_stolen_code_does_not_fit_the_thief_s_verifier(world):
    challenges = {}

    def exchange(request):
        form = dict(parse_qs(request.body))
        if pkce.s256(form["code_verifier"][0]) != challenges[form["code"][0]]:
            return answer(request, 400, {"error": "invalid_grant"})
        return answer(request, 200, TOKEN)

    world.network.replies["token"] = exchange
    victim, thief = world.browser(), world.browser()
    location = victim.get("/auth/acme").location
    challenges["the-victim-s-code"] = parse_qs(urlsplit(location).query)["code_challenge"][0]

    path = world.callback(world.start(thief), code="the-victim-s-code")
    world.refused(thief, path, "provider_rejected", exchanges=1)
    victim.get(world.callback(state_of(location), code="the-victim-s-code"), status=303)

    verifiers = [sent.form["code_verifier"] for sent in world.network.to("token")]
    assert len(set(verifiers)) == 2


def test_pkc_08_an_odd_but_legal_code_arrives_unchanged_and_encoded_once(world):
    code = ("ab+%2B&=/ *%25!~'\"" * 120)[:2000]
    browser = world.browser()

    browser.get(world.callback(world.start(browser), code=code), status=303)

    [sent] = world.network.to("token")
    assert sent.form["code"] == code
    assert urlencode({"code": code}) in sent.body


@pytest.mark.parametrize("length", [4097, 15_000, 65_536])
def test_pkc_09_a_code_that_is_too_long_is_not_sent(world, length):
    started = call(world.app, "/auth/acme")
    [(name, cookie)] = cookies_set(started).items()
    query = f"state={state_of(started.get('Location'))}&code={'a' * length}"

    world.refused_raw("invalid_request", CALLBACK, query, HTTP_COOKIE=f"{name}={cookie['value']}")

    assert world.exchanges == 0


# Redirect URI, Host, proxies.

FORWARDED = {
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_X_FORWARDED_PROTO": "http",
    "HTTP_X_FORWARDED_PORT": "8080",
    "HTTP_X_FORWARDED_PREFIX": "/evil",
    "HTTP_X_FORWARDED_SERVER": "evil.example",
    "HTTP_FORWARDED": "host=evil.example;proto=http",
    "HTTP_X_ORIGINAL_URL": "/auth/other",
    "HTTP_X_REWRITE_URL": "/auth/other",
    "HTTP_X_HOST": "evil.example",
}


def still(size):
    """Return bytes that are always the same, so that two answers can be compared."""
    return b"\x07" * size


@pytest.mark.parametrize(
    "environ", [{"HTTP_HOST": "evil.example"}, {"HTTP_HOST": "a b\\@c"}, {"HTTP_HOST": ""}, FORWARDED]
)
def test_rdu_01_and_02_neither_host_nor_proxy_headers_change_anything(new_world, environ):
    world = new_world(random=still)

    plain, forged = call(world.app, "/auth/acme"), call(world.app, "/auth/acme", **environ)

    assert forged == plain
    assert "redirect_uri=https%3A%2F%2Fapp.example%2Fauth%2Facme%2Fcallback" in (plain.get("Location") or "")


@pytest.mark.parametrize("environ", [{"HTTP_HOST": "evil.example"}, FORWARDED])
def test_rdu_01_and_02_no_address_of_ours_follows_the_host_header(new_world, environ):
    for settings_given in ({}, {"authkit.login_url": "/login"}):
        world = new_world(settings=settings_given)
        started = call(world.app, "/auth/acme", **environ)
        [(name, cookie)] = cookies_set(started).items()
        query = f"code={CODE}&state={state_of(started.get('Location'))}"
        finished = call(world.app, CALLBACK, query, HTTP_COOKIE=f"{name}={cookie['value']}", **environ)
        others = [
            call(world.app, "/auth/", **environ),
            call(world.app, "/auth/nope", **environ),
            call(world.app, "/auth/logout", "return_to=/bye", method="POST", **environ),
        ]

        assert finished.get("Location") == f"{ORIGIN}/"
        for found in (started, finished, *others):
            assert "evil" not in f"{found.headers}{found.text}"


def test_rdu_04_both_legs_name_the_same_redirect_uri(world):
    browser = world.browser()
    location = browser.get("/auth/acme").location
    browser.get(world.callback(state_of(location)))

    [sent] = world.network.to("token")
    assert [sent.form["redirect_uri"]] == parse_qs(urlsplit(location).query)["redirect_uri"]


def test_rdu_05_the_visitor_s_parameters_do_not_steer_the_protocol(new_world):
    world = new_world(random=still)
    steering = {
        "redirect_uri": "//evil",
        "client_id": "x",
        "client_key": "x",
        "client_secret": "x",
        "scope": "all",
        "response_type": "token",
        "response_mode": "fragment",
        "prompt": "none",
        "state": "x",
        "code_challenge": "x",
        "code_challenge_method": "plain",
        "code_verifier": "x",
        "purpose": "link",
        "bound": "x",
        "registration": "other",
    }

    plain, steered = call(world.app, "/auth/acme"), call(world.app, "/auth/acme", urlencode(steering))

    assert steered == plain


# Open redirect.


def final_location(world, value, **environ):
    """Return where a login ends that was started with `value` as return-to."""
    query = urlencode({"return_to": value})
    started = call(world.app, "/auth/acme", query, **environ)
    assert started.status == 302
    [(name, cookie)] = cookies_set(started).items()
    finish = f"code=c&state={state_of(started.get('Location'))}"
    finished = call(world.app, CALLBACK, finish, HTTP_COOKIE=f"{name}={cookie['value']}", **environ)
    assert finished.status == 303
    assert len(finished.all("Set-Cookie")) == 2
    assert len(finished.all("Location")) == 1
    return finished.get("Location")


def test_the_list_of_payloads_is_long_and_has_none_twice():
    assert len(set(BAD)) == len(BAD) >= 100
    assert len(set(ODD)) == len(ODD) >= 40


def assert_leads_home(world, row):
    """Check that each value of a row leads to the start page, as a browser reads it, and to no other header."""
    for value in BY_ROW[row]:
        location = final_location(world, value)
        assert ada_url.URL(location, base=f"{ORIGIN}/").href == f"{ORIGIN}/", value
        assert location == f"{ORIGIN}/", value


def test_opr_01_an_absolute_address_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-01")


def test_opr_02_an_address_without_a_scheme_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-02")


def test_opr_03_a_backslash_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-03")


def test_opr_04_a_tab_or_line_break_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-04")


def test_opr_05_a_scheme_that_runs_something_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-05")


def test_opr_06_a_host_that_looks_like_ours_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-06")


def test_opr_07_a_header_in_a_path_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-07")


def test_opr_21_a_path_that_is_too_long_leads_to_the_start_page(world):
    assert_leads_home(world, "OPR-21")


def test_opr_odd_paths_stay_on_our_origin_as_a_browser_reads_them(world):
    for value in ODD:
        location = final_location(world, value)
        assert ada_url.URL(location, base=f"{ORIGIN}/somewhere").origin == ORIGIN, value
        assert location.isascii(), value


def test_opr_08_good_paths_are_kept_byte_for_byte(world):
    for value in GOOD:
        assert final_location(world, value) == ORIGIN + value


def test_opr_a_forged_host_does_not_help(world):
    for value in ("//evil.example", "/x"):
        location = final_location(world, value, HTTP_HOST="evil.example")
        assert ada_url.URL(location).origin == ORIGIN


def test_opr_signing_out_leads_nowhere_else_either(world):
    for value in BAD + ODD + GOOD:
        signed_out = call(world.app, "/auth/logout", urlencode({"return_to": value}), method="POST")
        assert signed_out.status == 303
        location = signed_out.get("Location")
        assert ada_url.URL(location, base=f"{ORIGIN}/auth/").origin == ORIGIN, value
        if value in BAD:
            assert location == f"{ORIGIN}/"


def test_rdu_01_a_handler_that_redirects_to_the_return_to_stays_on_our_origin(new_world):
    world = new_world(handled_by(lambda request, login: Response(status=303, location=login.return_to)))
    for value in BAD + ODD + GOOD:
        started = call(world.app, "/auth/acme", urlencode({"return_to": value}), HTTP_HOST="evil.example")
        [(name, cookie)] = cookies_set(started).items()
        query = f"code=c&state={state_of(started.get('Location'))}"
        answered = call(world.app, CALLBACK, query, HTTP_COOKIE=f"{name}={cookie['value']}", HTTP_HOST="evil.example")
        assert ada_url.URL(answered.get("Location"), base="https://evil.example/auth/").origin == ORIGIN, value


def test_opr_the_first_return_to_counts(world):
    started = call(world.app, "/auth/acme", "return_to=/first&return_to=//evil.example")
    [(name, cookie)] = cookies_set(started).items()
    query = f"code=c&state={state_of(started.get('Location'))}&return_to=//evil.example"

    assert (
        call(world.app, CALLBACK, query, HTTP_COOKIE=f"{name}={cookie['value']}").get("Location") == f"{ORIGIN}/first"
    )


# Leaks.


def test_lek_04_a_login_leaves_no_address_with_a_code_behind(world):
    browser = world.browser()
    state = world.start(browser)

    response = browser.get(world.callback(state), status=303)

    assert response.location == f"{ORIGIN}/"
    assert response.body == b""
    assert_safe_headers(answer_of(response))
    world.assert_no_canary(answer_of(response))


def test_lek_04_a_callback_that_fails_leaves_none_either(world):
    browser = world.browser()
    world.network.replies["token"] = (400, {"error": "invalid_grant", "error_description": f"{CODE} {CLIENT_SECRET}"})

    response = world.refused(browser, world.callback(world.start(browser)), "provider_rejected", exchanges=1)

    for tag in response.html.find_all(["a", "form", "img", "link", "script"]):
        address = tag.get("href") or tag.get("action") or ""
        assert address.startswith("/")


# Names of registrations.

TRICKS = [
    "nope", "ACME", "Acme", "acme ", " acme", "acme%20", "acme\x00", "\x00", "acme\n", "acme\r\nX: 1", "acme;x=1",
    "acme.", "..", ".", "acme%00", "*", "{registration}", "<script>", "x" * 5000, "acme\\", "acme?x", "acme#x",
    "\xc3\xa9", "acm\xc3\xa9", "logout2", "-", "__proto__", "__class__", "' or 1=1 --", "${jndi:ldap:evil}",
    "acme,other",
]  # fmt: skip
UNROUTED = [
    "../../etc", "acme/..", "../auth/acme", "acme/", "/acme", "acme//callback", "acme/callback/", "acme/callback/x",
    "acme/Callback", "<script>alert(1)</script>",
]  # fmt: skip


@pytest.mark.parametrize("name", TRICKS)
def test_plg_01_and_02_a_name_that_is_no_registration_is_not_found_and_not_repeated(world, name):
    for path in (f"/auth/{name}", f"/auth/{name}/callback"):
        refused = world.refused_raw("unknown_provider", path)

        assert len(name) < 3 or name not in refused.text
        assert "registration=- " in world.audit[-1]


@pytest.mark.parametrize("rest", UNROUTED)
def test_plg_02_a_path_that_is_no_route_is_not_found(world, rest):
    found = world.refused_raw("unknown_provider", f"/auth/{rest}")

    assert rest not in found.text
    assert found.all("Location") == found.all("Set-Cookie") == []
    assert world.network.sent == []


def test_plg_02_a_path_that_is_not_ours_and_a_page_of_the_app_s_own_are_the_app_s(new_world):
    def own_page(error, request):
        return Response("own page for what is not there", status=404)

    world = new_world()
    own = new_world(named(lambda config: config.add_notfound_view(own_page)))

    assert "The resource could not be found." in call(world.app, "/elsewhere").text
    assert "The resource could not be found." in call(world.app, "/authentic/x").text
    assert call(own.app, "/auth/acme/").text == "own page for what is not there"
    assert world.told == own.told == []


# Floods, injection, odd requests.


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"p{i}={i}" for i in range(20_000)),
        "a=" + "b" * 1_000_000,
        "&" * 1_000_000,
        "state=" + "s" * 100_000,
        "%" * 16_000,
    ],
)
def test_inp_01_many_and_large_parameters_cost_next_to_nothing(world, query):
    for path in (CALLBACK, "/auth/acme", "/auth/"):
        began = time.thread_time()
        found = call(world.app, path, query)
        assert time.thread_time() - began < 2
        assert found.status in (200, 302, 400)
    world.refused_raw("state_invalid" if query.startswith("%") else "invalid_request", CALLBACK, query)


@pytest.mark.parametrize(
    ("query", "environ"),
    [
        ("error=x%0aINFO+login+ok", {}),
        ("error=x&error_description=%1b[2J%1b]0;x%07", {}),
        ("error=%e2%80%ae%e2%80%a8&state=", {}),
        ("error=" + "x" * 5000, {}),
        ("code=x&state=x", {"HTTP_USER_AGENT": "x\r\noutcome=success", "HTTP_X_REQUEST_ID": "1\r\n2"}),
    ],
)
def test_inp_02_one_failure_is_one_printable_line(world, query, environ):
    world.refused_raw("state_invalid", CALLBACK, query, **environ)

    [line] = world.audit
    assert len(line) < 800


@pytest.mark.parametrize("payload", ["<script>alert(1)</script>", '" onload="x', "{{7*7}}", "javascript:alert(1)"])
def test_inp_03_what_the_query_says_is_not_on_the_page(world, payload):
    browser = world.browser()
    more = {"error": payload, "error_description": payload, "log_id": payload}

    for state in ("unknown", world.start(browser)):
        code = "state_invalid" if state == "unknown" else "provider_rejected"
        response = world.refused(browser, world.callback(state, **more), code)
        assert payload not in response.text
        assert "script" not in response.text
        assert "script-src" not in response.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in response.headers["Content-Security-Policy"]


def test_inp_06_only_the_query_of_a_get_counts(world):
    browser = world.browser()
    state = world.start(browser)
    [(name, value)] = browser.cookies.items()
    jar = f"{name}={value}; code={CODE}; state={state}"
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_COOKIE": jar}
    body = urlencode({"code": CODE, "state": state}).encode()

    posted = call(world.app, CALLBACK, f"code={CODE}&state={state}", method="POST", body=body, **form)
    assert posted.status == 405
    world.refused_raw("state_invalid", CALLBACK, "", body=body, **form)
    world.refused_raw("state_invalid", CALLBACK, f"code={CODE}", body=body, HTTP_X_STATE=state, **form)
    assert world.exchanges == 0
    browser.get(world.callback(state), status=303)


def test_inp_06_a_parameter_that_is_there_twice_is_refused(world):
    browser = world.browser()

    world.refused(browser, f"{world.callback(world.start(browser))}&code=another", "invalid_request")
    path = world.callback(world.start(browser))
    world.refused(browser, f"{path}&state=another", "state_invalid")


@pytest.mark.parametrize("name", ["access_token", "id_token", "token"])
def test_inp_11_a_token_in_the_callback_is_not_used(world, name):
    browser = world.browser()
    state = world.start(browser)

    path = world.path("/acme/callback", **{name: "canary-implicit", "token_type": "bearer", "state": state})
    response = world.refused(browser, path, "invalid_request")

    assert "canary-implicit" not in response.text
    assert "canary-implicit" not in world.caplog.text
    assert world.network.sent == []


def test_inp_12_nothing_of_ours_can_be_framed(world):
    browser = world.browser()
    state = world.start(browser)

    for found in (
        browser.get("/auth/acme"),
        browser.get(world.callback(state)),
        browser.get("/auth/nope", status=404),
        browser.get("/auth/logout", status=405),
        browser.get("/auth/nope", status=404, headers={"Accept": "application/json"}),
        browser.post("/auth/logout"),
    ):
        assert_safe_headers(answer_of(found))


# Fetch Metadata.


@pytest.mark.parametrize(
    ("mode", "destination", "passes"),
    [
        (None, None, True),
        ("navigate", "document", True),
        ("navigate", None, True),
        (None, "document", True),
        ("navigate", "iframe", False),
        ("navigate", "frame", False),
        ("navigate", "embed", False),
        ("navigate", "object", False),
        ("navigate", "empty", False),
        ("no-cors", "image", False),
        ("no-cors", "script", False),
        ("no-cors", "document", False),
        ("cors", "empty", False),
        ("same-origin", "document", False),
        ("websocket", "websocket", False),
        ("", "", False),
        ("Navigate", "document", False),
        ("navigate, navigate", "document", False),
        (None, "iframe", False),
        ("cors", None, False),
    ],
)
def test_a_start_is_a_navigation_of_a_whole_page(world, mode, destination, passes):
    given = {"HTTP_SEC_FETCH_MODE": mode, "HTTP_SEC_FETCH_DEST": destination, "HTTP_SEC_FETCH_SITE": "cross-site"}
    environ = {name: value for name, value in given.items() if value is not None}

    if passes:
        assert call(world.app, "/auth/acme", **environ).status == 302
    else:
        refused = world.refused_raw("cross_site", "/auth/acme", **environ)
        assert refused.all("Set-Cookie") == []


@pytest.mark.parametrize(
    ("site", "origin", "passes"),
    [
        (None, None, True),
        ("same-origin", None, True),
        ("none", None, True),
        ("same-origin", ORIGIN, True),
        (None, ORIGIN, True),
        ("same-origin", "null", True),
        ("none", "null", True),
        ("cross-site", None, False),
        ("same-site", None, False),
        ("cross-site", ORIGIN, False),
        ("same-site", ORIGIN, False),
        ("cross-site", "null", False),
        ("same-site", "null", False),
        ("", None, False),
        ("Same-Origin", None, False),
        ("same-origin, cross-site", None, False),
        (None, "null", False),
        (None, "https://evil.example", False),
        (None, "http://app.example", False),
        (None, "https://app.example:444", False),
        (None, "https://app.example.evil.example", False),
        (None, "https://www.app.example", False),
        (None, f"{ORIGIN}/", False),
        (None, f"{ORIGIN} https://evil.example", False),
        (None, "", False),
        ("same-origin", "https://evil.example", False),
        ("none", "https://evil.example", False),
    ],
)
@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
def test_signing_out_is_the_browser_s_own_wish(new_world, parts, site, origin, passes):
    world = new_world(*parts)
    browser = world.browser()
    world.log_in(browser)
    given = {"Sec-Fetch-Site": site, "Origin": origin}
    headers = {name: value for name, value in given.items() if value is not None}

    if passes:
        browser.post("/auth/logout", headers=headers, status=303)
        assert world.me(browser) == "anonymous"
    else:
        world.refused(browser, "/auth/logout", "cross_site", method="POST", headers=headers)
        assert world.me(browser) == KEY


def test_an_origin_is_compared_as_browsers_write_it(new_world):
    world = new_world(settings={"authkit.base_url": "https://APP.example:443"})

    assert call(world.app, "/auth/logout", method="POST", HTTP_ORIGIN=ORIGIN).status == 303


@pytest.mark.parametrize("parts", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("query", ["return_to=%ff", "x=" + "y" * 20_000, "&".join("abcdefghij" * 11)])
def test_signing_out_with_a_broken_query_is_refused_as_a_whole(new_world, parts, query):
    world = new_world(*parts)
    browser = world.browser()
    world.log_in(browser)

    world.refused(browser, f"/auth/logout?{query}", "invalid_request", method="POST")

    assert world.me(browser) == KEY


# Faults of the provider.


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("endpoint", ["token", "me"])
def test_flt_04_a_server_error_of_the_provider_is_unavailable_and_the_code_is_sent_once(world, endpoint, status):
    world.network.replies[endpoint] = (status, b"<html>down</html>")
    browser = world.browser()

    response = world.refused(browser, world.callback(world.start(browser)), "provider_unavailable", exchanges=1)

    assert response.headers["Retry-After"] == "30"
    assert len(world.network.to("me")) <= 3


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("30", "30"),
        ("0", "1"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "30"),
        ("abc", "30"),
        ("-1", "30"),
        ("99999999", "300"),
        ("99999999999", "30"),
    ],
)
def test_flt_05_a_provider_that_is_asked_too_often_is_asked_no_more(world, given, expected):
    world.network.replies["token"] = lambda request: answer(request, 429, b"", Retry_After=given)
    browser = world.browser()

    response = world.refused(browser, world.callback(world.start(browser)), "provider_rate_limited", exchanges=1)

    assert response.headers["Retry-After"] == expected


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
@pytest.mark.parametrize("endpoint", ["token", "me"])
def test_flt_06_a_page_instead_of_json_is_no_login(world, endpoint, kind):
    world.network.replies[endpoint] = lambda request: answer(request, 200, b"<html>login</html>", Content_Type=kind)
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "provider_protocol", exchanges=1)


def test_flt_07_an_error_with_status_200_is_no_login(world):
    world.network.replies["token"] = {**TOKEN, "error": "invalid_grant", "error_description": "no", "log_id": "L1"}
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "provider_rejected", exchanges=1)


@pytest.mark.parametrize(
    "reply",
    [
        ConnectionError("x"),
        TimeoutError(f"{CODE}"),
        OSError("x"),
        b"",
        [],
        None,
        "x",
        {"access_token": ""},
        (204, b""),
    ],
)
def test_flt_whatever_the_provider_answers_is_never_a_500(world, reply):
    world.network.replies["token"] = reply if not isinstance(reply, bytes) else (200, reply)
    browser = world.browser()

    path = world.callback(world.start(browser))
    code = "provider_unavailable" if isinstance(reply, Exception) else "provider_protocol"
    world.refused(browser, path, code, exchanges=1)
    world.network.replies["token"] = TOKEN
    world.log_in(world.browser())


# Concurrency.


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_con_01_two_tabs_both_finish_each_with_what_it_began(world, order):
    browser = world.browser()
    tabs = [world.start(browser, return_to="/one"), world.start(browser, return_to="/two")]

    locations = [browser.get(world.callback(tabs[tab]), status=303).location for tab in order]

    assert locations == [f"{ORIGIN}/{('one', 'two')[tab]}" for tab in order]
    first, second = (sent.form["code_verifier"] for sent in world.network.to("token"))
    assert first != second


def test_con_02_ten_callbacks_at_once_are_one_exchange_and_one_login(world):
    def slowly(request):
        time.sleep(0.05)
        return answer(request, 200, TOKEN)

    world.network.replies["token"] = slowly
    started = call(world.app, "/auth/acme")
    [(name, cookie)] = cookies_set(started).items()
    query = f"code={CODE}&state={state_of(started.get('Location'))}"
    together = threading.Barrier(10)

    def finish(_):
        together.wait(5)
        return call(world.app, CALLBACK, query, HTTP_COOKIE=f"{name}={cookie['value']}")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(finish, range(10)))

    assert sorted(found.status for found in answers) == [303] + [400] * 9
    assert world.exchanges == 1
    assert sorted(outcome for outcome, _ in world.told) == ["failed"] * 9 + ["succeeded"]
    assert len(world.audit) == 10
    for found in answers:
        world.assert_no_canary(found)


# Fuzz.

KNOWN = {200, 302, 303, 400, 403, 404, 405}
RAW = st.binary(max_size=80).map(lambda raw: raw.decode("latin-1"))
WORDS = [
    "/", "acme", "callback", "logout", "code=c", "state=s", "return_to=//x", "error=e", "&", "=", ";", "%ff", "%00",
    "%", "?", f"__Host-authkit-{'0' * 32}", "__Host-authkit_session", '"', "\\377", "\\", ",", "*/*", ";q=", "0.5",
    "application/json", "\r\n",
]  # fmt: skip
PIECES = st.lists(st.sampled_from(WORDS) | RAW, max_size=8).map("".join)
BYTES = RAW | PIECES


@pytest.fixture(scope="module")
def fuzzed():
    """Give one app for all examples, with everything in it that reads a request."""
    return make_app(make_kit(), signed_cookie_session)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    where=st.sampled_from(["/auth/acme", CALLBACK, "/auth/logout", "/auth/"])
    | BYTES.map(lambda rest: f"/auth/{rest}"),
    method=st.sampled_from(["GET", "GET", "POST", "HEAD"]) | st.text("ABC", max_size=3),
    query=BYTES,
    cookie=BYTES,
    accept=BYTES,
    fetch=st.none() | BYTES,
)
def test_whatever_the_bytes_the_answer_is_one_we_know(fuzzed, where, method, query, cookie, accept, fetch):
    more = {} if fetch is None else {"HTTP_SEC_FETCH_SITE": fetch, "HTTP_SEC_FETCH_MODE": fetch, "HTTP_ORIGIN": fetch}

    found = call(fuzzed, where, query, method, HTTP_COOKIE=cookie, HTTP_ACCEPT=accept, HTTP_REFERER=query, **more)

    assert found.status in KNOWN
    location = found.get("Location")
    if location is not None:
        assert ada_url.URL(location, base="https://relative.example/").origin in (ORIGIN, "https://acme.example")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(value=st.text(max_size=60) | st.text("/\\.:@?#%\t\r\n aevil2f5c", max_size=20).map(lambda rest: f"/{rest}"))
def test_opr_no_return_to_at_all_leads_to_another_origin(fuzzed, value):
    query = urlencode({"return_to": value.encode("utf-8", "replace")}, quote_via=quote)
    signed_out = call(fuzzed, "/auth/logout", query, "POST")
    started = call(fuzzed, "/auth/acme", query)
    [(name, cookie)] = cookies_set(started).items()
    finish = f"code=c&state={state_of(started.get('Location'))}"
    finished = call(fuzzed, CALLBACK, finish, HTTP_COOKIE=f"{name}={cookie['value']}")

    assert (signed_out.status, finished.status) == (303, 303)
    for found in (signed_out, finished):
        assert ada_url.URL(found.get("Location"), base="https://relative.example/").origin == ORIGIN
