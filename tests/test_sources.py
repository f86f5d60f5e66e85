"""Where settings come from: the mapping wins over the environment, and a name that nobody declared is noticed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authkit.errors import ConfigError, printable
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS
from authkit.sources import Declared, Given, collect, read_file, setting_text

OF_REGISTRATION = {**REGISTRATION_KEYS, "client_key": REGISTRATION_KEYS["client_id"]}
DECLARED = Declared(SITE_KEYS, PART_KEYS, MEMBER_KEYS, OF_REGISTRATION)
NO_PARTS: dict[str, dict[str, str]] = {part: {} for part in PART_KEYS}


def collected(mapping: Mapping[str, object], environ: Mapping[str, str] | None = None) -> Given:
    return collect(mapping, environ or {}, DECLARED, ["client_id", "client_key"])


def refused(mapping: Mapping[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        collected(mapping)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value.reason


def test_what_is_declared_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DECLARED.site = {}  # type: ignore[misc]


# The mapping


def test_settings_are_sorted_by_registration() -> None:
    given = collected(
        {
            "authkit.secret": " s ",
            "authkit.tiktok.client_key": "k",
            "authkit.tik-tok2.scope": ["a", "b"],
            "authkit.prefix": None,
            "pyramid.includes": 5,
            "authkit": "x",
            "authkitx.y": "z",
        }
    )

    assert given.site == {"secret": "s"}
    assert given.registrations == {"tiktok": {"client_key": "k"}, "tik-tok2": {"scope": "a b"}}
    assert given.parts == NO_PARTS


def test_settings_of_a_part_are_not_those_of_a_registration() -> None:
    given = collected(
        {"authkit.accounts.database": " d ", "authkit.webhook.tolerance": 60, "authkit.acme.scope": "a"}
    )

    assert given == Given(
        parts={**NO_PARTS, "accounts": {"database": "d"}, "webhook": {"tolerance": "60"}},
        registrations={"acme": {"scope": "a"}},
    )


def test_settings_of_an_app_stand_by_its_name() -> None:
    given = collected(
        {
            "authkit.native.lifetime": "60",
            "authkit.native.my-phone.link": " https://app.example ",
            "authkit.native.my-phone.redirect_uris": ["a:/b", "c:/d"],
            "authkit.native.keys.link": "https://keys.example",
            "authkit.native-ios.scope": "a",
        }
    )

    assert given == Given(
        parts={**NO_PARTS, "native": {"lifetime": "60"}},
        members={
            "native.my-phone": {"link": "https://app.example", "redirect_uris": "a:/b c:/d"},
            "native.keys": {"link": "https://keys.example"},
        },
        registrations={"native-ios": {"scope": "a"}},
    )


def test_a_secret_may_stand_in_a_file_and_nothing_else_may() -> None:
    given = collected({"authkit.secret_file": "f", "authkit.acme.client_secret_file": "g", "authkit.proxy_file": "h"})

    assert given.site == {"secret_file": "f", "proxy_file": "h"}
    assert given.registrations == {"acme": {"client_secret_file": "g"}}
    assert collected({"authkit.accounts.database_file": "f"}).parts["accounts"] == {"database_file": "f"}
    assert refused({"authkit.webhook.tolerance_file": "f"}).startswith("authkit.webhook.tolerance_file is no setting")
    assert refused({"authkit.base_url_file": "f"}).startswith("authkit.base_url_file is no setting of authkit")
    assert refused({"authkit.acme.client_id_file": "f"}).startswith("authkit.acme.client_id_file is no setting")


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("authkit.secrets", "did you mean authkit.secret?"),
        ("authkit.base-url", "did you mean authkit.base_url?"),
        ("authkit.tiktok.client_kye", "did you mean authkit.tiktok.client_key?"),
        ("authkit.tiktok.redirect_url", "did you mean authkit.tiktok.redirect_uri?"),
        ("authkit.zzzzzzzzzz", "see the table of settings in the docs"),
        ("authkit.tiktok.zzzzzzzzzz", "see the table of settings in the docs"),
        ("authkit.", "see the table of settings in the docs"),
        ("authkit.tiktok.", "see the table of settings in the docs"),
        ("authkit..secret", "did you mean authkit.secret?"),
        ("authkit..client_id", "see the table of settings in the docs"),
        ("authkit.a.b.client_id", "see the table of settings in the docs"),
        ("authkit.a.B.client_id", "see the table of settings in the docs"),
        ("authkit.client_id", "see the table of settings in the docs"),
        ("authkit.tiktok.secret", "did you mean authkit.tiktok.client_secret?"),
        ("authkit.tiktok.Client_Id", "did you mean authkit.tiktok.client_id?"),
        ("authkit.accounts.databse", "did you mean authkit.accounts.database?"),
        ("authkit.webhook.tolerence", "did you mean authkit.webhook.tolerance?"),
        ("authkit.accounts.client_id", "see the table of settings in the docs"),
        ("authkit.accounts.tolerance", "see the table of settings in the docs"),
        ("authkit.accounts", "see the table of settings in the docs"),
        ("authkit.accounts.a.database", "see the table of settings in the docs"),
        ("authkit.native.lifetme", "did you mean authkit.native.lifetime?"),
        ("authkit.native.phone.lnk", "did you mean authkit.native.phone.link?"),
        ("authkit.native.phone.redirect_uri", "did you mean authkit.native.phone.redirect_uris?"),
        ("authkit.native.phone.zzzzzzzzzz", "see the table of settings in the docs"),
        ("authkit.native.phone.keys", "see the table of settings in the docs"),
        ("authkit.native.link", "see the table of settings in the docs"),
        ("authkit.native", "see the table of settings in the docs"),
        ("authkit..native.lifetime", "see the table of settings in the docs"),
    ],
)
def test_an_unknown_key_is_refused_with_the_likely_one(key: str, advice: str) -> None:
    assert refused({key: "x"}) == f"{key} is no setting of authkit; {advice}"


@pytest.mark.parametrize("name", ["", "Phone", "1phone", "my_phone", "my phone", "a" * 33, "a.b", "é", "phone\n"])
def test_the_name_of_an_app_is_a_name(name: str) -> None:
    assert refused({f"authkit.native.{name}.link": "https://app.example"}) == printable(
        f"authkit.native.{name}.link is no setting of authkit: the name in authkit.native.<name>.link is to match "
        "[a-z][a-z0-9-]{0,31} in full"
    )


# Values


@pytest.mark.parametrize(
    ("value", "text"), [("x", "x"), (" x\n", "x"), (5, "5"), (["a", "b"], "a b"), (("a",), "a"), ("a b", "a b")]
)
def test_a_value_is_text_without_blanks_around_it(value: Any, text: str) -> None:
    assert setting_text("authkit.x", value) == text


@pytest.mark.parametrize("value", ["", "  ", "\n", [], ()])
def test_an_empty_value_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"authkit\.x is empty; give it a value or leave it out"):
        setting_text("authkit.x", value)


@pytest.mark.parametrize("value", [b"x", 1.5, {}, [1], ["a", None], object])
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match=f"authkit.x must be text, not {type(value).__name__}"):
        setting_text("authkit.x", value)


def test_a_file_is_read_without_blanks_around_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" s3cret\n", encoding="utf-8")

    assert read_file("authkit.secret_file", str(path)) == "s3cret"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "empty").touch()

    for name, problem in (
        ("missing", r"cannot be read \(FileNotFoundError\)"),
        (".", r"cannot be read \(IsADirectoryError\)"),
        ("binary", r"cannot be read \(UnicodeDecodeError\)"),
        ("empty", "is empty"),
        ("nul\0", r"cannot be read \(ValueError\)"),
    ):
        with pytest.raises(ConfigError, match=f"^config_error: authkit.secret_file.*{problem}") as caught:
            read_file("authkit.secret_file", str(tmp_path / name))
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)


# The environment


@pytest.mark.parametrize(
    ("variable", "registration", "key"),
    [
        ("AUTHKIT_SECRET", "", "secret"),
        ("AUTHKIT_SECRET_FILE", "", "secret_file"),
        ("AUTHKIT_BASE_URL", "", "base_url"),
        ("AUTHKIT_LOGIN_URL", "", "login_url"),
        ("AUTHKIT_TIKTOK_CLIENT_KEY", "tiktok", "client_key"),
        ("AUTHKIT_TIKTOK_CLIENT_SECRET_FILE", "tiktok", "client_secret_file"),
        ("AUTHKIT_TIKTOK_REQUIRED_SCOPE", "tiktok", "required_scope"),
        ("AUTHKIT_TIKTOK_SCOPE", "tiktok", "scope"),
        ("AUTHKIT_TIK_TOK_EU_CLIENT_ID", "tik-tok-eu", "client_id"),
        ("AUTHKIT_MY_SCOPE_SCOPE", "my-scope", "scope"),
    ],
)
def test_a_variable_is_split_at_the_longest_key(variable: str, registration: str, key: str) -> None:
    given = collected({}, {variable: " x "})

    assert given.site == ({} if registration else {key: "x"})
    assert given.registrations == ({registration: {key: "x"}} if registration else {})
    assert given.parts == NO_PARTS


@pytest.mark.parametrize(
    ("variable", "part", "key"),
    [
        ("AUTHKIT_ACCOUNTS_DATABASE", "accounts", "database"),
        ("AUTHKIT_ACCOUNTS_DATABASE_FILE", "accounts", "database_file"),
        ("AUTHKIT_ACCOUNTS_ALLOW_REGISTRATION", "accounts", "allow_registration"),
        ("AUTHKIT_ACCOUNTS_REVOKE", "accounts", "revoke"),
        ("AUTHKIT_WEBHOOK_TOLERANCE", "webhook", "tolerance"),
        ("AUTHKIT_WEBHOOK_ACCEPT_LATE", "webhook", "accept_late"),
        ("AUTHKIT_NATIVE_KEYS", "native", "keys"),
        ("AUTHKIT_NATIVE_KEYS_FILE", "native", "keys_file"),
        ("AUTHKIT_NATIVE_LIFETIME", "native", "lifetime"),
        ("AUTHKIT_NATIVE_ACCEPT_ACCESS_TOKENS", "native", "accept_access_tokens"),
    ],
)
def test_a_variable_may_be_a_part_s(variable: str, part: str, key: str) -> None:
    assert collected({}, {variable: " x "}) == Given(parts={**NO_PARTS, part: {key: "x"}})


@pytest.mark.parametrize(
    ("variable", "app", "key"),
    [
        ("AUTHKIT_NATIVE_PHONE_LINK", "phone", "link"),
        ("AUTHKIT_NATIVE_MY_PHONE_LINK", "my-phone", "link"),
        ("AUTHKIT_NATIVE_LINK_LINK", "link", "link"),
        ("AUTHKIT_NATIVE_KEYS_LINK", "keys", "link"),
        ("AUTHKIT_NATIVE_PHONE_LINK_CARRIES", "phone", "link_carries"),
        ("AUTHKIT_NATIVE_PHONE_REDIRECT_URIS", "phone", "redirect_uris"),
        ("AUTHKIT_NATIVE_PHONE_ALLOW_PRIVATE_SCHEME", "phone", "allow_private_scheme"),
        ("AUTHKIT_NATIVE_NATIVE_LINK", "native", "link"),
    ],
)
def test_a_variable_may_be_an_app_s(variable: str, app: str, key: str) -> None:
    assert collected({}, {variable: " x "}) == Given(parts=NO_PARTS, members={f"native.{app}": {key: "x"}})


def test_a_variable_of_an_app_is_split_at_the_longest_key_too() -> None:
    keys = MEMBER_KEYS["native"]
    members = {"native": {"uris": keys["redirect_uris"], "redirect_uris": keys["redirect_uris"]}}
    declared = Declared(SITE_KEYS, PART_KEYS, members, OF_REGISTRATION)

    given = collect({}, {"AUTHKIT_NATIVE_PHONE_REDIRECT_URIS": "x"}, declared, [])

    assert given.members == {"native.phone": {"redirect_uris": "x"}}


def test_a_registration_may_begin_as_a_part_does() -> None:
    given = collected({}, {"AUTHKIT_NATIVE_IOS_CLIENT_ID": "x", "AUTHKIT_NATIVE_IOS_REDIRECT_URI": "y"})

    assert given == Given(parts=NO_PARTS, registrations={"native-ios": {"client_id": "x", "redirect_uri": "y"}})


@pytest.mark.parametrize(
    "variable",
    [
        "AUTHKIT_",
        "AUTHKIT_NOPE",
        "AUTHKIT_CLIENT_ID",
        "AUTHKIT__CLIENT_ID",
        "AUTHKIT_TIKTOK_CLIENT",
        "AUTHKIT_1_SCOPE",
        "AUTHKIT_NATIVE_SCOPE",
        "AUTHKIT_ACCOUNTS",
        "AUTHKIT_ACCOUNTS_SCOPE",
        "AUTHKIT_WEBHOOK_TOLERANCE_FILE",
        "AUTHKIT_NATIVE",
        "AUTHKIT_NATIVE_LINK",
        "AUTHKIT_NATIVE__LINK",
        "AUTHKIT_NATIVE_REDIRECT_URIS",
        "AUTHKIT_NATIVE_1_LINK",
        "AUTHKIT_NATIVE_PHONE_LINK_FILE",
        "AUTHKIT_NATIVEX_LINK",
        "AUTHKIT_ACCOUNTS_PHONE_LINK",
    ],
)
def test_an_unknown_variable_is_a_warning_that_shows_no_value(
    variable: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = collected({}, {variable: "canary"})

    assert given == Given(parts=NO_PARTS)
    assert caplog.messages == [f"the environment variable {variable} is no setting of authkit, and is ignored"]


def test_inp_02_a_variable_with_an_odd_name_is_told_of_in_one_printable_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    collected({}, {"AUTHKIT_A\n\udcadB": "canary"})

    assert caplog.messages == [
        r"the environment variable AUTHKIT_A\n\udcadB is no setting of authkit, and is ignored"
    ]


@pytest.mark.parametrize(
    "environ", [{"AUTHKIT_SECRET": " "}, {"AUTHKIT_NOPE": ""}, {"PATH": "/bin"}, {"authkit_secret": "x"}]
)
def test_other_variables_are_left_alone(environ: Mapping[str, str], caplog: pytest.LogCaptureFixture) -> None:
    assert collected({}, environ) == Given(parts=NO_PARTS)
    assert caplog.messages == []


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
    st.sampled_from(sorted(OF_REGISTRATION)),
)
def test_a_variable_means_what_its_key_means(registration: str, key: str) -> None:
    variable = f"AUTHKIT_{registration}_{key}".upper().replace("-", "_")
    assume(not registration.endswith("-required"))  # "x_required_scope" is the required scope of "x"

    assert collected({}, {variable: "x"}).registrations == {registration: {key: "x"}}


@given(st.text(st.sampled_from("ABCDEILNORSTUY_019"), max_size=40))
def test_any_variable_is_a_setting_or_ignored(rest: str) -> None:
    given = collected({}, {f"AUTHKIT_{rest}": "x"})

    for registration, keys in given.registrations.items():
        assert registration
        assert set(keys) <= {*OF_REGISTRATION, "client_secret_file"}
    assert set(given.site) <= {*SITE_KEYS, "secret_file", "vault_key_file", "proxy_file"}
    for part, keys in given.parts.items():
        assert set(keys) <= {*PART_KEYS[part], "database_file", "keys_file"}
    for keys in given.members.values():
        assert set(keys) <= {*MEMBER_KEYS["native"]}


# Both


@pytest.mark.parametrize(
    ("mapping", "environ", "site", "acme"),
    [
        (
            {"authkit.prefix": "/a"},
            {"AUTHKIT_PREFIX": "/b", "AUTHKIT_SECRET": "s"},
            {"prefix": "/a", "secret": "s"},
            {},
        ),
        ({"authkit.secret": "a"}, {"AUTHKIT_SECRET_FILE": "f"}, {"secret": "a"}, {}),
        ({"authkit.secret_file": "f"}, {"AUTHKIT_SECRET": "a"}, {"secret_file": "f"}, {}),
        (
            {"authkit.acme.scope": "a"},
            {"AUTHKIT_ACME_SCOPE": "b", "AUTHKIT_ACME_PKCE": "off"},
            {},
            {"scope": "a", "pkce": "off"},
        ),
        ({"authkit.acme.client_key": "a"}, {"AUTHKIT_ACME_CLIENT_ID": "b"}, {}, {"client_key": "a"}),
        ({"authkit.acme.client_id": "a"}, {"AUTHKIT_ACME_CLIENT_KEY": "b"}, {}, {"client_id": "a"}),
        ({}, {"AUTHKIT_ACME_SCOPE": "b"}, {}, {"scope": "b"}),
    ],
)
def test_the_mapping_wins_over_the_environment(
    mapping: Mapping[str, str], environ: Mapping[str, str], site: Mapping[str, str], acme: Mapping[str, str]
) -> None:
    given = collected(mapping, environ)

    assert (given.site, given.registrations.get("acme", {})) == (site, acme)


@pytest.mark.parametrize(
    ("mapping", "environ", "accounts"),
    [
        (
            {"authkit.accounts.database": "a"},
            {"AUTHKIT_ACCOUNTS_DATABASE": "b", "AUTHKIT_ACCOUNTS_REVOKE": "no"},
            {"database": "a", "revoke": "no"},
        ),
        ({"authkit.accounts.database": "a"}, {"AUTHKIT_ACCOUNTS_DATABASE_FILE": "f"}, {"database": "a"}),
        ({"authkit.accounts.database_file": "f"}, {"AUTHKIT_ACCOUNTS_DATABASE": "a"}, {"database_file": "f"}),
    ],
)
def test_the_mapping_wins_over_the_environment_for_a_part_too(
    mapping: Mapping[str, str], environ: Mapping[str, str], accounts: Mapping[str, str]
) -> None:
    assert collected(mapping, environ) == Given(parts={**NO_PARTS, "accounts": dict(accounts)})


def test_the_mapping_wins_over_the_environment_for_an_app_too() -> None:
    mapping = {"authkit.native.phone.link": "https://mapping.example"}
    environ = {
        "AUTHKIT_NATIVE_PHONE_LINK": "https://environ.example",
        "AUTHKIT_NATIVE_PHONE_REDIRECT_URIS": "a:/b",
        "AUTHKIT_NATIVE_TABLET_LINK": "https://tablet.example",
    }

    assert collected(mapping, environ).members == {
        "native.phone": {"link": "https://mapping.example", "redirect_uris": "a:/b"},
        "native.tablet": {"link": "https://tablet.example"},
    }


def test_what_is_given_does_not_show_itself() -> None:
    secret = ("authkit.secret", "authkit.acme.client_secret", "authkit.accounts.database")

    assert "canary" not in repr(collected(dict.fromkeys(secret, "canary")))


@pytest.mark.parametrize("field", ["site", "parts", "members", "registrations"])
def test_what_was_given_does_not_show_itself(field: str) -> None:
    assert repr(Given(**{field: {"a": {"secret": "canary"}}})) == "Given()"
