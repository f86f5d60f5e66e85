"""What is shown instead of a secret, and that nothing else is hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit.emulator.masking import mask, mask_header, mask_pairs, mask_url

LONG = "act.0123456789abcdefghijklmnop"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", ""),
        ("x", "••••"),
        ("a" * 19, "••••"),
        ("abcd" * 5, "abcd…(20)"),
        (LONG, "act.…(30)"),
    ],
)
def test_a_long_secret_shows_its_kind_and_length_and_a_short_one_nothing(secret, shown):
    assert mask(secret) == shown


@given(st.text(min_size=1))
def test_what_is_shown_never_holds_more_than_four_characters_of_a_secret(secret):
    shown = mask(secret)

    assert shown == "••••" or (shown == f"{secret[:4]}…({len(secret)})" and len(secret) >= 20)


@pytest.mark.parametrize(
    "name",
    [
        "client_secret",
        "clientSecret",
        "code",
        "CODE",
        "code[]",
        "code_verifier",
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "id_token_hint",
        "password",
        "state",
        "client_assertion",
        "client_ticket",
    ],
)
def test_a_parameter_that_is_a_secret_is_masked_however_it_is_written(name):
    assert dict(mask_pairs({name: LONG})) == {name: "act.…(30)"}


@pytest.mark.parametrize(
    "name",
    ["client_key", "client_id", "grant_type", "token_type", "code_challenge", "response_type", "scope", "error", "x"],
)
def test_a_parameter_that_is_no_secret_is_shown(name):
    assert dict(mask_pairs({name: "code and state"})) == {name: "code and state"}


def test_a_body_that_was_read_as_a_form_by_mistake_is_masked_in_the_place_of_the_name():
    body = '{"client_secret":"worth-a-lot","code":"x"}'

    assert list(mask_pairs({body: ""})) == [('{"cl…(42)', "")]
    assert list(mask_pairs({"a b": "x", "n" * 65: "y"})) == [("••••", "x"), ("nnnn…(65)", "y")]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("https://app.example/cb", "https://app.example/cb"),
        (
            "https://app.example/cb?code=abc&scopes=a,b&state=s",
            "https://app.example/cb?code=••••&scopes=a,b&state=••••",
        ),
        (f"https://app.example/cb?x=1&code={LONG}", "https://app.example/cb?x=1&code=act.…(30)"),
        (f"https://app.example/#access_token={LONG}&n=1", "https://app.example/#access_token=act.…(30)&n=1"),
        ("?%63ode=abc", "?%63ode=••••"),
        ("?code=abc;def&x=1", "?code=••••&x=1"),
        ("?x=1;code=abc", "?x=1;code=••••"),
        ("?code=", "?code="),
        ("?code=&state", "?code=&state"),
        ("?code=" + "%2A" * 20, "?code=****…(20)"),
        ("code=abc", "code=••••"),
        ("?to=https%3A%2F%2Fa.example%2F%3Fcode%3Dabc", "?to=https://a.example/?code=••••"),
        ("?to=%253Fcode%253Dabc", "?to=?code=••••"),
        ("?to=a%20b", "?to=a%20b"),
        ("text/html; charset=utf-8", "text/html; charset=utf-8"),
    ],
)
def test_secrets_in_a_url_are_masked_and_the_rest_of_it_stays_as_it_is(url, shown):
    assert mask_url(url) == shown


def test_a_url_in_any_parameter_is_looked_at_too():
    assert dict(mask_pairs({"redirect_uri": "https://a.example/cb?state=abc"})) == {
        "redirect_uri": "https://a.example/cb?state=••••"
    }


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {LONG}", "Bearer act.…(30)"),
        ("authorization", "basic short", "basic ••••"),
        ("Authorization", LONG, "act.…(30)"),
        ("Authorization", f"{LONG} tail", "act.…(35)"),
        ("Authorization", "", ""),
        ("Proxy-Authorization", f"Basic {LONG}", "Basic act.…(30)"),
        ("Cookie", f"session={LONG}; theme=dark", "session=act.…(30); theme=••••"),
        ("Cookie", LONG, "act.…(30)"),
        ("X-Auth-Token", LONG, "act.…(30)"),
        ("Referer", "https://app.example/cb?code=abc", "https://app.example/cb?code=••••"),
        ("User-Agent", "python-requests/2.32", "python-requests/2.32"),
    ],
)
def test_of_a_header_the_scheme_and_the_names_of_cookies_remain(name, value, shown):
    assert mask_header(name, value) == shown


@given(st.text(), st.text())
def test_masking_takes_whatever_was_sent(name, value):
    list(mask_pairs({name: value}))
    mask_header(name, value)


@pytest.mark.parametrize("text", ["?" * 65536, "?a" * 32768, "a=%25" * 13000, "%25" * 21000, "; " * 32768])
def test_masking_what_is_as_long_as_a_body_may_be_is_quick(text):
    assert isinstance(mask_url(text), str)
