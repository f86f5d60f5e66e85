"""What is shown instead of a secret, and that nothing else is hidden."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit.emulator.masking import cut, mask, mask_header, mask_pairs, mask_text, mask_url

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
        "auth_code",
        "authCode",
        "authorization",
        "authentication",
        "apikey",
        "api_key",
        "x-api-key",
        "secret_key",
        "tokens",
        "pwd",
        "session",
        "data[code]",
        "data[code][0]",
        "data[state]",
        "form.code",
    ],
)
def test_a_parameter_that_is_a_secret_is_masked_however_it_is_written(name):
    assert dict(mask_pairs({name: "abcd" * 5})) == {name: "abcd…(20)"}


@pytest.mark.parametrize(
    "name",
    [
        *("client_key", "client_id", "grant_type", "token_type", "response_type", "scope", "error", "x"),
        *("code_challenge", "code_challenge_method", "error_code", "errCode", "status_code", "data[error_code]"),
    ],
)
def test_a_parameter_that_is_no_secret_is_shown(name):
    assert dict(mask_pairs({name: "code and state"})) == {name: "code and state"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (LONG, "act.…(30)"),
        ("rft.12345678", "••••"),
        ("clt.1234567", "clt.1234567"),
        (f"{LONG} {LONG}", "act.…(61)"),
        (f"x {LONG}, {LONG}", "x act.…(30), act.…(30)"),
        (f"/v2/{LONG}", "/v2/act.…(30)"),
        ("contact.someone-there", "contact.someone-there"),
        ("%72ft.0123456789abcdef", "rft.…(20)"),
        ("/cb?code=abc", "/cb?code=••••"),
        ("/cb%253Fcode%253Dabc", "/cb?code=••••"),
        ("https://u:PASSWORD@host/x", "https://u:••••@host/x"),
        ("https://u:p:w@rd@host", "https://u:••••@host"),
        ("https://PASSWORD@host", "https://••••@host"),
        ("?to=https%3A%2F%2Fu%3APASSWORD%40host", "?to=https://u:••••@host"),
        ("https://host:8080/@x", "https://host:8080/@x"),
        ("ada@example.com", "ada@example.com"),
    ],
)
def test_tokens_and_passwords_are_masked_wherever_they_stand(text, shown):
    assert mask_text(text) == shown
    assert mask_header("X", text) == shown


def test_a_token_in_the_place_of_a_name_is_masked_too():
    assert dict(mask_pairs({LONG: LONG})) == {"act.…(30)": "act.…(30)"}
    assert dict(mask_pairs({"grant_type": LONG})) == {"grant_type": "act.…(30)"}
    assert mask_header("Cookie", f"{LONG}=x") == "act.…(30)=••••"
    assert mask_url(f"?{LONG}") == "?act.…(30)"


def test_of_a_long_text_only_the_beginning_is_shown():
    long = "y" * 2001
    shown = f"{'y' * 2000}… (2001 characters)"

    assert cut(long) == mask_text(long) == mask_url(long) == mask_header("X", long) == shown
    assert cut("y" * 2000) == mask_text("y" * 2000) == "y" * 2000
    assert mask_text(f"/?code={long}&x=1") == "/?code=yyyy…(2001)&x=1… (2012 characters)"
    assert mask_url(f"?x={'y' * 60_000}&code=abc").endswith("y… (60012 characters)")
    assert mask_text("act." + "y" * 13_500) == "act.…(13504)"
    assert dict(mask_pairs({"code": "y" * 13_500})) == {"code": "yyyy…(13500)"}
    assert len(mask_header("Cookie", "a=b; " * 10_000)) < 2100


def test_the_parameters_are_masked_one_by_one_as_they_are_wanted():
    pairs = CountedMapping(13_500)
    shown = mask_pairs(pairs)

    assert [next(iter(shown)), pairs.read] == [("p0", "v"), 1]


class CountedMapping(Mapping):
    """Many parameters, which counts how many of them were read."""

    def __init__(self, size):
        self.size = size
        self.read = 0

    def __len__(self):
        return self.size

    def __getitem__(self, name):
        self.read += 1
        return "v"

    def __iter__(self):
        return (f"p{number}" for number in range(self.size))


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
    mask_text(value)
    list(mask_pairs({name: value}))
    mask_header(name, value)


@pytest.mark.parametrize("text", ["?" * 65536, "?a" * 32768, "a=%25" * 13000, "%25" * 21000, "; " * 32768])
def test_masking_what_is_as_long_as_a_body_may_be_is_quick(text):
    assert len(mask_url(text)) <= 2100
    assert len(mask_text(text)) <= 2100
    assert len(mask_header("Cookie", text)) <= 2100
