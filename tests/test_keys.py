"""The settings as data: what each key takes, and what it says of a value that it does not take."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import trustme

from authkit import Option, Secret
from authkit.breaker import MAX_WAITING
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS, option_key, words
from authkit.names import RESERVED_NAMES

OF_PARTS = {f"{part}.{name}": key for part, keys in PART_KEYS.items() for name, key in keys.items()}
OF_MEMBERS = {f"{part}.<name>.{name}": key for part, keys in MEMBER_KEYS.items() for name, key in keys.items()}
KEYS = {**SITE_KEYS, **REGISTRATION_KEYS, **OF_PARTS, **OF_MEMBERS}


def test_these_are_the_settings() -> None:
    assert [*SITE_KEYS] == [
        "secret",
        "base_url",
        "prefix",
        "vault_key",
        "plugins",
        "login_url",
        "templates",
        "ca_bundle",
        "max_waiting",
        "proxy",
    ]
    assert [*REGISTRATION_KEYS] == [
        "client_id",
        "client_secret",
        "provider",
        "scope",
        "required_scope",
        "redirect_uri",
        "pkce",
        "prompt",
        "authorize_url",
        "token_url",
        "userinfo_url",
        "revoke_url",
    ]
    assert {part: [*keys] for part, keys in PART_KEYS.items()} == {
        "accounts": ["database", "allow_registration", "revoke", "check_accounts"],
        "webhook": ["tolerance", "accept_late"],
        "native": [
            "keys",
            "lifetime",
            "refresh_lifetime",
            "issuer",
            "audience",
            "check_accounts",
            "accept_access_tokens",
            "pseudo_email",
            "cors_origins",
        ],
    }
    assert {part: [*keys] for part, keys in MEMBER_KEYS.items()} == {
        "native": ["link", "redirect_uris", "allow_private_scheme", "link_carries"]
    }


def test_a_part_is_no_registration() -> None:
    assert set(PART_KEYS) <= RESERVED_NAMES
    assert set(MEMBER_KEYS) <= set(PART_KEYS)


def test_these_are_the_defaults_of_the_parts() -> None:
    assert {name: key.default for name, key in OF_PARTS.items()} == {
        "accounts.database": Secret("sqlite:///authkit.sqlite"),
        "accounts.allow_registration": True,
        "accounts.revoke": True,
        "accounts.check_accounts": True,
        "webhook.tolerance": 300,
        "webhook.accept_late": False,
        "native.keys": None,
        "native.lifetime": 3600,
        "native.refresh_lifetime": 2_592_000,
        "native.issuer": "",
        "native.audience": "",
        "native.check_accounts": False,
        "native.accept_access_tokens": False,
        "native.pseudo_email": False,
        "native.cors_origins": (),
    }
    assert {name: key.default for name, key in OF_MEMBERS.items()} == {
        "native.<name>.link": "",
        "native.<name>.redirect_uris": (),
        "native.<name>.allow_private_scheme": False,
        "native.<name>.link_carries": "ticket",
    }


def test_these_settings_are_secret_and_these_are_required() -> None:
    assert {name for name, key in KEYS.items() if key.is_secret} == {
        "secret",
        "vault_key",
        "proxy",
        "client_secret",
        "accounts.database",
        "native.keys",
    }
    assert {name for name, key in KEYS.items() if key.is_required} == {
        "secret",
        "base_url",
        "client_id",
        "client_secret",
    }


@pytest.mark.parametrize("name", sorted(KEYS))
def test_every_key_knows_its_name_and_has_a_line_of_help(name: str) -> None:
    assert KEYS[name].name == name.rpartition(".")[2]
    assert KEYS[name].help
    assert "\n" not in KEYS[name].help


YES_OR_NO = (
    "accounts.allow_registration",
    "accounts.revoke",
    "accounts.check_accounts",
    "webhook.accept_late",
    "native.check_accounts",
    "native.accept_access_tokens",
    "native.pseudo_email",
    "native.<name>.allow_private_scheme",
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("secret", "a" * 32, (Secret("a" * 32),)),
        ("secret", f"{'b' * 32}\n {'ü' * 16}", (Secret("b" * 32), Secret("ü" * 16))),
        ("base_url", "https://app.example", "https://app.example"),
        ("base_url", "https://app.example/", "https://app.example"),
        ("base_url", "https://app.example:8443/a/b-c_d.e~f/", "https://app.example:8443/a/b-c_d.e~f"),
        ("base_url", "http://localhost:6543", "http://localhost:6543"),
        ("prefix", "/auth", "/auth"),
        ("prefix", "/sign-in/v1", "/sign-in/v1"),
        ("plugins", "a, b c,a", ("a", "b", "c")),
        ("login_url", "/login?a=b", "/login?a=b"),
        ("login_url", "https://other.example/login", "https://other.example/login"),
        ("client_id", "7abc-~!", "7abc-~!"),
        ("client_secret", "s3cret", Secret("s3cret")),
        ("proxy", "http://user:pass@proxy:3128", Secret("http://user:pass@proxy:3128")),
        ("scope", "a,b  c", ("a", "b", "c")),
        ("required_scope", "a", ("a",)),
        ("redirect_uri", "https://app.example/cb?x=%2F", "https://app.example/cb?x=%2F"),
        ("redirect_uri", "http://127.0.0.1:3000/cb", "http://127.0.0.1:3000/cb"),
        ("pkce", "HEX", "hex"),
        ("pkce", "off", "off"),
        ("prompt", "consent", "consent"),
        ("token_url", "http://localhost:8787/token", "http://localhost:8787/token"),
        ("vault_key", f"{'a' * 32} {'b' * 32}", (Secret("a" * 32), Secret("b" * 32))),
        ("accounts.database", "postgresql://user:pass@db/app", Secret("postgresql://user:pass@db/app")),
        *((name, word, True) for name in YES_OR_NO for word in ("true", "True", "YES", "on", "1")),
        *((name, word, False) for name in YES_OR_NO for word in ("false", "No", "OFF", "0")),
        ("webhook.tolerance", "1", 1),
        ("webhook.tolerance", "0060", 60),
        ("webhook.tolerance", "9999999", 9_999_999),
        ("native.keys", '{\n  "keys": []\n}', Secret('{\n  "keys": []\n}')),
        ("native.issuer", "https://issuer.example", "https://issuer.example"),
        ("native.cors_origins", "https://web.example", ("https://web.example",)),
        (
            "native.cors_origins",
            "https://web.example:8443, http://localhost:3000 https://[::1]:1",
            ("https://web.example:8443", "http://localhost:3000", "https://[::1]:1"),
        ),
        ("native.<name>.link", "com.example.app:/in?a=b", "com.example.app:/in?a=b"),
        ("native.<name>.redirect_uris", "a.b:/c, https://app.example", ("a.b:/c", "https://app.example")),
        ("native.<name>.link_carries", "TICKET", "ticket"),
    ],
)
def test_a_good_value_is_read(name: str, text: str, value: Any) -> None:
    assert KEYS[name].parse(text) == value


BAD_URLS = {
    "app.example": "is no absolute URL",
    "/callback": "is no absolute URL",
    "http://app.example/": "is http; write https",
    "https://user:pass@app.example/": "has a user, a fragment or a port",
    "https://app.example/#fragment": "has a user, a fragment or a port",
    "http://localhost:80@attacker.test/": "has a user, a fragment or a port",
    "https://app.example/ x": "has a blank, a backslash",
}


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("secret", "a" * 31, "is shorter than 32 bytes; make one with: python -c"),
        (
            "secret",
            f"{'a' * 32} {'b' * 31}",
            "has blanks, so it is 2 secrets, of which one is shorter than 32 bytes; make one with: python -c",
        ),
        *(
            (name, url, problem)
            for name in ("base_url", "redirect_uri", "authorize_url", "token_url", "userinfo_url", "revoke_url")
            for url, problem in BAD_URLS.items()
        ),
        ("base_url", "https://app.example?", "must be an origin, with a plain path at most"),
        ("base_url", "https://app.example/?a=b", "must be an origin, with a plain path at most"),
        ("base_url", "https://app.example//", "must be an origin, with a plain path at most"),
        ("base_url", "https://app.example/a%20b", "must be an origin, with a plain path at most"),
        ("base_url", "https://app.example/a;b", "must be an origin, with a plain path at most"),
        ("base_url", "https://*.app.example", "has a host or a port that no URL has"),
        ("redirect_uri", "https://*.app.example/cb", "has a wildcard; write one exact address"),
        ("redirect_uri", "https://app.example/*", "has a wildcard; write one exact address"),
        ("prefix", "auth", "must be a path such as /auth"),
        ("prefix", "/", "must be a path such as /auth"),
        ("prefix", "/auth/", "must be a path such as /auth"),
        ("prefix", "//auth", "must be a path such as /auth"),
        ("prefix", "/auth\n", "must be a path such as /auth"),
        ("prefix", "/ä", "must be a path such as /auth"),
        ("login_url", "login", "is no absolute URL"),
        ("login_url", "//evil.example", "is no absolute URL"),
        ("login_url", "/login#x", "is no absolute URL"),
        ("login_url", "/a\\b", "has a blank, a backslash"),
        ("login_url", "http://app.example/login", "is http"),
        ("templates", "/no/such/folder", "is no folder"),
        ("templates", f"/{'a' * 300}", "is no folder"),  # which the file system does not even look for
        ("ca_bundle", "/no/such/file.pem", "is no readable file of PEM certificates"),
        ("client_id", "a b", "has a blank or an invisible character inside"),
        ("client_id", "a\u200bb", "has a blank or an invisible character inside"),
        ("client_secret", "a\nb", "has a blank or an invisible character inside"),
        ("proxy", "http://proxy :1", "has a blank or an invisible character inside"),
        ("pkce", "plain", "must be one of: on, off, hex, base64url"),
        ("vault_key", "a" * 31, "is shorter than 32 bytes; make one with: python -c"),
        ("accounts.database", "postgresql://user:pass word@db/app", "has a blank or an invisible character inside"),
        ("native.issuer", "https://issuer .example", "has a blank or an invisible character inside"),
        ("native.lifetime", "0", "must be a number of seconds"),
        ("native.<name>.link_carries", "code", "must be one of: ticket, access_token"),
        *(
            ("native.cors_origins", text, problem)
            for text, problem in (
                ("*", "is no absolute URL"),
                ("null", "is no absolute URL"),
                ("web.example", "is no absolute URL"),
                ("http://web.example", "is http; write https"),
                ("https://web.example/", "must be origins as browsers write them"),
                ("https://web.example/app", "must be origins as browsers write them"),
                ("https://web.example?a", "must be origins as browsers write them"),
                ("https://Web.example", "must be origins as browsers write them"),
                ("https://web.example:443", "must be origins as browsers write them"),
                ("https://*.web.example", "has a host or a port that no URL has"),
                ("https://web.example, null", "is no absolute URL"),
            )
        ),
        *((name, word, "must be true or false") for name in YES_OR_NO for word in ("", "2", "tru", "y", "none")),
        *(
            ("webhook.tolerance", text, "must be a number of seconds")
            for text in ("", "0", "-1", "1.5", "5m", "+5", "1_0", " 5", "\uff15", "\u00b2", "10000000")
        ),
    ],
)
def test_a_bad_value_is_refused_with_what_to_do(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)) as caught:
        KEYS[name].parse(text)

    if KEYS[name].is_secret:
        assert text not in str(caught.value)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("50", 50), ("0007", 7), ("9999", 9999)])
def test_a_number_is_whole_and_at_least_one(text: str, value: int) -> None:
    assert KEYS["max_waiting"].parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "0", "0000", "-1", "+5", "1.5", "1_0", " 5", "5 ", "five", "\uff15", "\u00b2", "10000"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number from 1 to 9999"):
        KEYS["max_waiting"].parse(text)


@pytest.mark.parametrize("name", sorted(name for name, key in KEYS.items() if key.is_secret))
def test_a_secret_setting_is_a_secret_that_does_not_show_itself(name: str) -> None:
    text = "http://canary-that-is-as-long-as-32-bytes.example"

    assert "canary" not in repr(KEYS[name].parse(text))


def test_a_prefix_is_a_path_and_not_nothing() -> None:
    with pytest.raises(ValueError, match="must be a path such as /auth"):
        KEYS["prefix"].parse("")


def test_these_are_the_defaults_of_a_site_and_of_a_registration() -> None:
    site = {name: key.default for name, key in SITE_KEYS.items() if key.default not in ("", None, ())}
    assert site == {"prefix": "/auth", "max_waiting": MAX_WAITING}
    assert {name: key.default for name, key in REGISTRATION_KEYS.items() if key.default not in ("", ())} == {
        "pkce": "on"
    }


@pytest.mark.parametrize(
    ("name", "choices"),
    [("pkce", ["on", "off", "hex", "base64url"]), ("native.<name>.link_carries", ["ticket", "access_token"])],
)
def test_each_choice_may_be_made(name: str, choices: list[str]) -> None:
    assert [KEYS[name].parse(choice.upper()) for choice in choices] == choices


def test_a_setting_cannot_be_changed() -> None:
    key: Any = KEYS["prefix"]
    with pytest.raises(FrozenInstanceError):
        key.default = "/login"


def test_an_option_that_is_secret_is_any_text_that_does_not_show_itself() -> None:
    key = option_key(Option("key", (), "canary", "what signs", is_secret=True))

    assert (key.is_secret, key.default, key.parse("a\nb c")) == (True, Secret("canary"), Secret("a\nb c"))
    assert "canary" not in repr(key)


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    assert KEYS["templates"].parse(str(tmp_path)) == str(tmp_path)


def test_a_ca_bundle_must_hold_certificates(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"# ours\n" + trustme.CA().cert_pem.bytes())

    assert KEYS["ca_bundle"].parse(str(path)) == str(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        trustme.CA().private_key_pem.bytes(),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        trustme.CA().cert_pem.bytes()[:-40],
    ],
    ids=["empty", "a key", "no certificate", "cut off"],
)
def test_a_ca_bundle_that_no_login_could_load_stops_the_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"^is no readable file of PEM certificates$"):
        KEYS["ca_bundle"].parse(str(path))


@pytest.mark.parametrize("address", ["http://proxy.example:3128", "https://user:pass@proxy.example/"])
def test_a_proxy_is_an_address(address: str) -> None:
    assert KEYS["proxy"].parse(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "proxy.example:3128",
        "socks5://proxy.example",
        "http://",
        "http://p.example/x",
        "http://p.example:0",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="write it as http://host:port"):
        KEYS["proxy"].parse(address)


def test_a_proxy_s_port_is_one_that_there_is() -> None:
    with pytest.raises(ValueError, match=r"^Port out of range 0-65535$"):
        KEYS["proxy"].parse("http://proxy.example:65536")


@pytest.mark.parametrize("mark", ['"', "'"])
@pytest.mark.parametrize("name", ["client_id", "client_secret", "provider"])
def test_quotation_marks_around_a_pasted_value_are_refused(name: str, mark: str) -> None:
    with pytest.raises(ValueError, match=r"^has quotation marks around it, which are taken as a part of it; "):
        KEYS[name].parse(f"{mark}aw0123{mark}")

    assert KEYS[name].parse(f"aw{mark}0123{mark}") == f"aw{mark}0123{mark}"
    assert KEYS[name].parse(mark) == mark


@pytest.mark.parametrize("path", ["/..", "/a/..", "/../a", "/a/./b", "/."])
def test_a_path_with_dots_for_segments_is_refused(path: str) -> None:
    for name, text in (("base_url", "https://app.example" + path), ("prefix", path)):
        with pytest.raises(ValueError, match="must be"):
            KEYS[name].parse(text)


def test_words_stand_between_commas_or_blanks_and_count_once() -> None:
    assert words(" b,a  b,,\tc\n") == ("b", "a", "c")
    assert words("") == ()


def test_an_option_of_a_provider_takes_its_choices_only() -> None:
    key = option_key(Option("region", ("EU", "us"), "us", "where"))

    assert (key.name, key.default, key.help, key.is_required, key.is_secret) == (
        "region",
        "us",
        "where",
        False,
        False,
    )
    assert type(key.default) is str
    assert [key.parse(text) for text in ("eu", "EU", "US")] == ["EU", "EU", "us"]
    with pytest.raises(ValueError, match="must be one of: EU, us"):
        key.parse("cn")


def test_an_option_without_choices_is_a_text_that_may_have_blanks() -> None:
    key = option_key(Option("title", (), "", "what people read"))

    assert key.parse("Société Générale") == "Société Générale"
    for text in ("a\u200bb", "a\nb", "a\x00b"):
        with pytest.raises(ValueError, match="has an invisible character inside; paste it again"):
            key.parse(text)
