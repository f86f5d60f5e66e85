"""From settings to a kit: read once, checked, and frozen; what is wrong is named with its key and its fix."""

from __future__ import annotations

import dataclasses
import logging
import ssl
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pluggy
import pytest
import trustme
from fakes import (
    BASE_URL,
    SECRET,
    SETTINGS,
    Browser,
    Clock,
    Network,
    acme,
    callback,
    make_kit,
    plugins_with,
    state_of,
)
from faulty_server import OK, FaultyServer, answering

from authkit import AuthKit, OAuth2Provider, Option, Secret, pkce
from authkit.errors import ConfigError, ProviderProtocolError, ProviderUnavailable, StateInvalid
from authkit.keys import MEMBER_KEYS, PART_KEYS, REGISTRATION_KEYS, SITE_KEYS
from authkit.plugins import Plugins, load_plugins
from authkit.registration import Registration
from authkit.seal import Sealer
from authkit.settings import Configuration, connected, read_settings
from authkit.site import Site
from authkit.transport import Transport
from authkit_tiktok.provider import tiktok

KEYED = replace(acme, name="keyed", title="Keyed", client_id_param="client_key", token_auth="body")
PUBLIC = replace(acme, name="public", title="Public", token_auth="none")
CHOOSY = replace(
    acme,
    name="choosy",
    title="Choosy",
    prompts={"consent": {"ask": "1"}},
    options=(Option("region", ("eu", "us"), "us", "where"),),
)
OTHER_SECRET = "another-app-secret-that-is-long-enough"
VAULT_KEY = "a-key-of-the-vault-that-is-long-enough"


class Own:
    """A provider that is no OAuth 2.0 code flow."""

    name, title, default_scope = "own", "Own", ("all",)

    def client(self, *_: object) -> Any:
        raise NotImplementedError


def read(
    settings: Mapping[str, object], *providers: Any, environ: Mapping[str, str] | None = None, site: bool = True
) -> Configuration:
    usual = {"authkit.secret": SECRET, "authkit.base_url": BASE_URL} if site else {}
    known = providers or (acme, KEYED, PUBLIC, CHOOSY, Own(), tiktok)
    return read_settings({**usual, **settings}, environ or {}, plugins_with(*known))


def client(name: str, **more: object) -> dict[str, object]:
    """Return the settings of one registration."""
    settings = {"client_id": f"{name}-id", "client_secret": f"{name}-secret", **more}
    return {f"authkit.{name}.{key}": value for key, value in settings.items() if value is not ...}


def refused(settings: Mapping[str, object], *providers: Any, **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read(settings, *providers, **options)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value.reason


NATIVE: Mapping[str, Any] = {
    "keys": None,
    "lifetime": 3600,
    "refresh_lifetime": 2_592_000,
    "issuer": "",
    "audience": "",
    "check_accounts": False,
    "accept_access_tokens": False,
    "pseudo_email": False,
    "cors_origins": (),
    "members": {},
}


# What the settings become


def test_few_settings_are_enough() -> None:
    assert read(client("acme")) == Configuration(
        site=Site(BASE_URL),
        registrations={
            "acme": Registration(
                name="acme",
                provider=acme,
                client_id="acme-id",
                client_secret=Secret("acme-secret"),
                scope=("profile",),
                redirect_uri="https://app.example/auth/acme/callback",
            )
        },
        secrets=(Secret(SECRET),),
        vault_secrets=(Secret(SECRET),),
        parts={
            "accounts": {
                "database": Secret("sqlite:///authkit.sqlite"),
                "allow_registration": True,
                "revoke": True,
                "check_accounts": True,
            },
            "webhook": {"tolerance": 300, "accept_late": False},
            "native": NATIVE,
        },
        ca_bundle=None,
        proxy=None,
        max_waiting=2,
    )


def test_every_setting_of_the_site_is_read(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    configuration = read(
        {
            "authkit.secret": [OTHER_SECRET, SECRET],
            "authkit.base_url": "https://app.example/shop/",
            "authkit.prefix": "/sign-in",
            "authkit.vault_key": [VAULT_KEY, OTHER_SECRET],
            "authkit.plugins": "acme",
            "authkit.login_url": "https://app.example/login",
            "authkit.templates": str(tmp_path),
            "authkit.ca_bundle": str(tmp_path / "ca.pem"),
            "authkit.proxy": "http://user:pass@proxy:3128",
            "authkit.max_waiting": "16",
            **client("acme"),
        }
    )

    assert configuration.site == Site(
        "https://app.example/shop", "/sign-in", "https://app.example/login", str(tmp_path)
    )
    assert configuration.secrets == (Secret(OTHER_SECRET), Secret(SECRET))
    assert configuration.vault_secrets == (Secret(VAULT_KEY), Secret(OTHER_SECRET))
    assert configuration.ca_bundle == str(tmp_path / "ca.pem")
    assert configuration.proxy == Secret("http://user:pass@proxy:3128")
    assert configuration.max_waiting == 16
    redirect_uri = configuration.registrations["acme"].redirect_uri
    assert redirect_uri == "https://app.example/shop/sign-in/acme/callback"


def test_every_setting_of_a_registration_is_read() -> None:
    endpoints = {
        name: f"https://eu.example/{name}" for name in ("authorize_url", "token_url", "userinfo_url", "revoke_url")
    }
    settings = client(
        "eu",
        provider="choosy",
        scope="a b",
        required_scope="b",
        redirect_uri="https://app.example/cb",
        pkce="hex",
        prompt="consent",
        region="EU",
        **endpoints,
    )

    assert {*settings} == {f"authkit.eu.{name}" for name in (*REGISTRATION_KEYS, "region")}
    assert read(settings).registrations == {
        "eu": Registration(
            name="eu",
            provider=replace(CHOOSY, code_challenge=pkce.s256_hex, **endpoints),  # type: ignore[arg-type]
            client_id="eu-id",
            client_secret=Secret("eu-secret"),
            scope=("a", "b"),
            required_scope=("b",),
            redirect_uri="https://app.example/cb",
            prompt="consent",
            options={"region": "eu"},
        )
    }


def test_plg_12_what_was_read_is_frozen() -> None:
    configuration = read(client("choosy"))

    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration.ca_bundle = "x"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration.site.base_url = "x"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        configuration.registrations["choosy"].scope = ()  # type: ignore[misc]
    for mapping in (
        configuration.registrations,
        configuration.registrations["choosy"].options,
        configuration.parts,
        configuration.parts["accounts"],
        configuration.parts["native"],
        configuration.parts["native"]["members"],
    ):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]


def test_plg_12_a_change_of_the_mapping_changes_nothing_afterwards(network: Network) -> None:
    settings: dict[str, Any] = {**SETTINGS, "authkit.acme.scope": ["a"]}
    kit = AuthKit.from_settings(settings, transport=network, plugins=plugins_with(acme), environ={})
    settings["authkit.acme.scope"].append("admin")
    settings["authkit.base_url"] = "https://evil.example"

    url = Browser().start(kit)

    assert "&scope=a&redirect_uri=https%3A%2F%2Fapp.example%2F" in url


def test_g_4_what_was_read_does_not_show_a_secret() -> None:
    configuration = read(
        {
            **client("acme"),
            "authkit.proxy": "http://user:canary@proxy:1",
            "authkit.vault_key": "canary" * 6,
            "authkit.accounts.database": "postgresql://user:canary@db/app",
        }
    )

    for text in (SECRET, "acme-secret", "canary", "secrets=", "parts="):
        assert text not in repr(configuration)


# The site


@pytest.mark.parametrize(
    ("login_url", "absolute"),
    [
        ("/login?a=b", "https://app.example/login?a=b"),
        ("https://www.example/login", "https://www.example/login"),
    ],
)
def test_a_local_login_page_is_made_absolute(login_url: str, absolute: str) -> None:
    settings = {**client("acme"), "authkit.login_url": login_url, "authkit.base_url": "https://app.example/shop"}

    assert read(settings).site.login_url == absolute


@pytest.mark.parametrize("name", sorted(name for name, key in SITE_KEYS.items() if key.is_required))
def test_a_required_setting_of_the_site_is_missed(name: str) -> None:
    settings = {"authkit.secret": SECRET, "authkit.base_url": BASE_URL, **client("acme"), f"authkit.{name}": None}

    assert refused(settings, site=False) == f"authkit.{name} is missing: {SITE_KEYS[name].help}"


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("secret", "canary", "authkit.secret: is shorter than 32 bytes; make one with: "),
        ("base_url", "http://app.example", "authkit.base_url: 'http://app.example' is http; write https"),
        ("base_url", "http://localhost:80@attacker.test/", "authkit.base_url: 'http://localhost:80@attacker.test/' "),
        ("prefix", "auth", "authkit.prefix: 'auth' must be a path such as /auth"),
        ("login_url", "login", "authkit.login_url: 'login' is no absolute URL"),
        ("templates", "/no/such", "authkit.templates: '/no/such' is no folder"),
        ("ca_bundle", "/no/such", "authkit.ca_bundle: '/no/such' is no readable file of PEM certificates"),
        ("proxy", "http://user:canary @proxy", "authkit.proxy: has a blank or an invisible character"),
        ("max_waiting", "0", "authkit.max_waiting: '0' must be a number from 1 to 9999"),
        ("max_waiting", "10000", "authkit.max_waiting: '10000' must be a number from 1 to 9999"),
        ("max_waiting", "all", "authkit.max_waiting: 'all' must be a number from 1 to 9999"),
    ],
)
def test_a_malformed_setting_of_the_site_is_named_and_a_secret_one_not_shown(
    key: str, text: str, reason: str
) -> None:
    said = refused({**client("acme"), f"authkit.{key}": text})

    assert said.startswith(reason)
    assert "canary" not in said


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("accounts.database", "canary canary", "authkit.accounts.database: has a blank or an invisible character"),
        (
            "accounts.allow_registration",
            "maybe",
            "authkit.accounts.allow_registration: 'maybe' must be true or false",
        ),
        ("accounts.revoke", "2", "authkit.accounts.revoke: '2' must be true or false"),
        ("webhook.tolerance", "5m", "authkit.webhook.tolerance: '5m' must be a number of seconds"),
        ("webhook.accept_late", "no!", "authkit.webhook.accept_late: 'no!' must be true or false"),
        ("native.lifetime", "1h", "authkit.native.lifetime: '1h' must be a number of seconds"),
        (
            "native.phone.allow_private_scheme",
            "maybe",
            "authkit.native.phone.allow_private_scheme: 'maybe' must be true or false",
        ),
        (
            "native.phone.link_carries",
            "jwt",
            "authkit.native.phone.link_carries: 'jwt' must be one of: ticket, access_token",
        ),
        ("native.phone.link", "a b", "authkit.native.phone.link: 'a b' has a blank or an invisible character"),
        ("native.cors_origins", "*", "authkit.native.cors_origins: '*' "),
        (
            "native.phone.lnk",
            "canary",
            "authkit.native.phone.lnk is no setting of authkit; did you mean authkit.native.phone.link?",
        ),
        ("vault_key", "canary", "authkit.vault_key: is shorter than 32 bytes; make one with: "),
        (
            "accounts.databse",
            "canary",
            "authkit.accounts.databse is no setting of authkit; did you mean authkit.accounts.database?",
        ),
    ],
)
def test_a_malformed_setting_of_a_part_is_named_and_a_secret_one_not_shown(key: str, text: str, reason: str) -> None:
    said = refused({**client("acme"), f"authkit.{key}": text})

    assert said.startswith(reason)
    assert "canary" not in said


SITE_SETTINGS = {key: text for key, text in SETTINGS.items() if key.count(".") == 1}


def test_all_that_plugins_quarrel_over_is_named() -> None:
    plugins = Plugins(pluggy.PluginManager("authkit"), (), {}, conflicts=("a and b do", "c and d do"))

    with pytest.raises(ConfigError) as caught:
        read_settings({}, {}, plugins)
    assert caught.value.reason == "a and b do; c and d do"


def test_nothing_to_sign_in_with_is_an_error() -> None:
    assert refused({}) == (
        "authkit.<provider>.client_id is missing; "
        "the providers that are installed: acme, keyed, public, choosy, own, tiktok"
    )


def test_nothing_to_sign_in_with_and_no_plugin_says_what_to_install() -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(SITE_SETTINGS, {}, load_plugins(found=()))

    assert caught.value.reason == (
        "authkit.<provider>.client_id is missing; "
        "the providers that are installed: none (for TikTok: pip install authkit-tiktok)"
    )


@pytest.mark.parametrize(
    ("mapping", "environ"),
    [
        ({"authkit.tictac.client_key": "x"}, {}),
        ({"authkit.mine.client_key": "x", "authkit.mine.provider": "tictac"}, {}),
        ({"authkit.mine.client_key": "x"}, {"AUTHKIT_MINE_PROVIDER": "tictac"}),
    ],
)
def test_a_missing_plugin_is_named_before_its_own_words_look_unknown(
    mapping: dict[str, str], environ: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({**SITE_SETTINGS, **mapping}, environ, load_plugins(found=()))

    assert "no plugin supplies a provider 'tictac'; installed are: none" in caught.value.reason


def test_a_provider_that_is_no_text_is_none_that_is_installed() -> None:
    assert refused(client("acme", provider=5)).startswith("authkit.acme: no plugin supplies a provider '5'; ")


def test_settings_of_others_are_left_alone() -> None:
    others = {"sqlalchemy.url": "sqlite://", "pyramid.includes": ["x"], "debug": True, "acme.authkit.scope": "a"}

    assert read({**client("acme"), **others}) == read(client("acme"))


def test_an_unknown_key_is_an_error_and_an_unknown_variable_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    reason = refused({**client("acme"), "authkit.acme.client_secrte": "canary"})

    assert reason == "authkit.acme.client_secrte is no setting of authkit; did you mean authkit.acme.client_secret?"
    read(client("acme"), environ={"AUTHKIT_ACME_CLIENT_SECRTE": "canary"})
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (
            logging.WARNING,
            "the environment variable AUTHKIT_ACME_CLIENT_SECRTE is no setting of authkit, and is ignored",
        )
    ]


# Secrets in files and in the environment


def test_secrets_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "app").write_text(f"{OTHER_SECRET}\n{SECRET}\n", encoding="utf-8")
    (tmp_path / "acme").write_text(" from-a-file\n", encoding="utf-8")
    settings = client("acme", client_secret=..., client_secret_file=str(tmp_path / "acme"))

    configuration = read(
        {"authkit.base_url": BASE_URL, "authkit.secret_file": str(tmp_path / "app"), **settings}, site=False
    )

    assert configuration.secrets == (Secret(OTHER_SECRET), Secret(SECRET))
    assert configuration.registrations["acme"].client_secret == Secret("from-a-file")


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "authkit.acme.client_secret_file is empty"), ("two words", "authkit.acme.client_secret: has a blank")],
)
def test_a_file_with_a_bad_secret_is_named(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "acme").write_text(content, encoding="utf-8")

    reason = refused(client("acme", client_secret=..., client_secret_file=str(tmp_path / "acme")))

    assert reason.startswith(problem)
    assert "words" not in reason


def test_a_file_that_is_not_there_is_named() -> None:
    reason = refused(client("acme", client_secret=..., client_secret_file="/no/such"))

    assert reason == "authkit.acme.client_secret_file: the file '/no/such' cannot be read (FileNotFoundError)"


def test_a_secret_and_its_file_may_not_both_be_set() -> None:
    assert refused({**client("acme"), "authkit.secret_file": "/x"}) == (
        "authkit.secret and authkit.secret_file are both set; keep one"
    )
    assert refused(client("acme", client_secret_file="/x")) == (
        "authkit.acme.client_secret and authkit.acme.client_secret_file are both set; keep one"
    )


def test_everything_may_come_from_the_environment() -> None:
    environ = {
        "AUTHKIT_SECRET": SECRET,
        "AUTHKIT_BASE_URL": BASE_URL,
        "AUTHKIT_MY_ACME_PROVIDER": "acme",
        "AUTHKIT_MY_ACME_CLIENT_ID": " id ",
        "AUTHKIT_MY_ACME_CLIENT_SECRET": "secret\n",
    }

    (registration,) = read({}, environ=environ, site=False).registrations.values()

    assert (registration.name, registration.provider) == ("my-acme", acme)
    assert (registration.client_id, registration.client_secret) == ("id", Secret("secret"))


def test_every_setting_of_a_part_is_read_from_the_mapping_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "database").write_text("postgresql://user:pass@db/app\n", encoding="utf-8")
    database = Secret("postgresql://user:pass@db/app")
    values = {
        "accounts.database": database.reveal(),
        "accounts.allow_registration": "no",
        "accounts.revoke": "off",
        "accounts.check_accounts": "0",
        "webhook.tolerance": "60",
        "webhook.accept_late": "true",
        "native.keys": '{"keys": [1, 2]}',
        "native.lifetime": "60",
        "native.refresh_lifetime": "120",
        "native.issuer": "https://issuer.example",
        "native.audience": "my-api",
        "native.check_accounts": "yes",
        "native.accept_access_tokens": "yes",
        "native.pseudo_email": "on",
        "native.cors_origins": "https://web.example, http://localhost:3000",
    }
    assert {*values} == {f"{part}.{name}" for part, keys in PART_KEYS.items() for name in keys}
    mapping = {f"authkit.{key}": text for key, text in values.items()}
    environ = {f"AUTHKIT_{key.replace('.', '_').upper()}": text for key, text in values.items()}
    (tmp_path / "keys").write_text('{"keys": [1, 2]}\n', encoding="utf-8")
    files = {"AUTHKIT_ACCOUNTS_DATABASE_FILE": "database", "AUTHKIT_NATIVE_KEYS_FILE": "keys"}
    in_a_file = {**environ, **{variable: str(tmp_path / name) for variable, name in files.items()}}
    del in_a_file["AUTHKIT_ACCOUNTS_DATABASE"], in_a_file["AUTHKIT_NATIVE_KEYS"]
    expected = {
        "accounts": {"database": database, "allow_registration": False, "revoke": False, "check_accounts": False},
        "webhook": {"tolerance": 60, "accept_late": True},
        "native": {
            "keys": Secret('{"keys": [1, 2]}'),
            "lifetime": 60,
            "refresh_lifetime": 120,
            "issuer": "https://issuer.example",
            "audience": "my-api",
            "check_accounts": True,
            "accept_access_tokens": True,
            "pseudo_email": True,
            "cors_origins": ("https://web.example", "http://localhost:3000"),
            "members": {},
        },
    }

    assert read({**client("acme"), **mapping}).parts == expected
    assert read(client("acme"), environ=environ).parts == expected
    assert read(client("acme"), environ=in_a_file).parts == expected


def test_every_setting_of_an_app_is_read_from_the_mapping_or_the_environment() -> None:
    values = {
        "link": "https://app.example/in",
        "redirect_uris": "https://app.example/sdk com.example.app:/sdk",
        "allow_private_scheme": "yes",
        "link_carries": "Access_Token",
    }
    assert {*values} == {*MEMBER_KEYS["native"]}
    mapping = {f"authkit.native.my-phone.{key}": text for key, text in values.items()}
    environ = {f"AUTHKIT_NATIVE_MY_PHONE_{key.upper()}": text for key, text in values.items()}
    expected = {
        "link": "https://app.example/in",
        "redirect_uris": ("https://app.example/sdk", "com.example.app:/sdk"),
        "allow_private_scheme": True,
        "link_carries": "access_token",
    }

    for parts in (read({**client("acme"), **mapping}).parts, read(client("acme"), environ=environ).parts):
        assert parts["native"] == {**NATIVE, "members": {"my-phone": expected}}
        with pytest.raises(TypeError):
            parts["native"]["members"]["my-phone"]["link"] = "https://evil.example"  # type: ignore[index]


def test_an_app_has_the_defaults_of_what_is_not_set() -> None:
    settings = {**client("acme"), "authkit.native.phone.redirect_uris": "a.b:/c"}

    assert read(settings).parts["native"]["members"]["phone"] == {
        "link": "",
        "redirect_uris": ("a.b:/c",),
        "allow_private_scheme": False,
        "link_carries": "ticket",
    }


def test_a_kit_has_the_settings_of_the_parts_and_what_seals_with_the_vault_s_secrets() -> None:
    kit = make_kit(settings={"authkit.vault_key": VAULT_KEY, "authkit.webhook.tolerance": "60"})

    assert kit.sealers["vault"].key_id == Sealer([Secret(VAULT_KEY)], "vault", kit.random).key_id
    assert kit.parts["webhook"] == {"tolerance": 60, "accept_late": False}
    assert kit.parts["accounts"]["database"] == Secret("sqlite:///authkit.sqlite")


def test_the_mapping_wins_over_the_environment() -> None:
    environ = {"AUTHKIT_KEYED_CLIENT_KEY": "no", "AUTHKIT_KEYED_CLIENT_SECRET_FILE": "/no", "AUTHKIT_PREFIX": "/yes"}

    configuration = read(client("keyed"), environ=environ)

    assert configuration.site.prefix == "/yes"
    assert configuration.registrations["keyed"].client_id == "keyed-id"


def test_a_kit_is_given_the_secrets_and_an_old_cookie_opens_with_the_second_one(network: Network) -> None:
    browser = Browser()
    url = browser.start(make_kit())
    rotated = make_kit(network, {"authkit.secret": f"{OTHER_SECRET}\n {SECRET}"})

    assert rotated.secrets == (Secret(OTHER_SECRET), Secret(SECRET))
    assert browser.come_back(rotated, callback(url, code="c")).profile.subject == "user-1"


def test_after_a_rotation_a_cookie_of_a_dropped_secret_does_not_open(network: Network) -> None:
    browser = Browser()
    url = browser.start(make_kit())

    with pytest.raises(StateInvalid):
        browser.come_back(make_kit(network, {"authkit.secret": OTHER_SECRET}), callback(url, code="c"))
    assert network.sent == []


def test_a_secret_in_a_mapping_is_stripped() -> None:
    configuration = read(
        {**client("acme", client_id="\tid ", client_secret=" s\n"), "authkit.secret": f" {SECRET}\n"}
    )

    assert configuration.secrets == (Secret(SECRET),)
    assert configuration.registrations["acme"].client_id == "id"
    assert configuration.registrations["acme"].client_secret == Secret("s")


# Registrations


def test_two_registrations_of_one_provider_are_two() -> None:
    settings = {**client("acme"), **client("acme-eu", provider="acme", scope="a")}

    one, two = read(settings).registrations.values()

    assert (one.name, one.client_id, one.scope) == ("acme", "acme-id", ("profile",))
    assert (two.name, two.client_id, two.scope) == ("acme-eu", "acme-eu-id", ("a",))
    assert (one.redirect_uri, two.redirect_uri) == (
        "https://app.example/auth/acme/callback",
        "https://app.example/auth/acme-eu/callback",
    )


def test_mix_05_two_registrations_may_not_share_a_redirect_uri() -> None:
    uri = "https://app.example/cb"
    settings = {**client("acme", redirect_uri=uri), **client("keyed", redirect_uri=uri)}

    assert refused(settings) == "authkit.acme.redirect_uri and authkit.keyed.redirect_uri must differ"


@pytest.mark.parametrize("name", ["login", "callback", "Acme", "a_b", "1a", "a" * 33, "a b", "é"])
def test_plg_09_a_bad_or_reserved_name_of_a_registration_is_refused(name: str) -> None:
    reason = refused(client(name, provider="acme"))

    assert reason.startswith("registration name ")
    assert reason.endswith("; choose another")


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
def test_a_required_setting_of_a_registration_is_missed(name: str) -> None:
    assert refused(client("acme", **{name: ...})) == f"authkit.acme.{name} is missing: {REGISTRATION_KEYS[name].help}"


def test_a_public_client_needs_no_secret() -> None:
    secret = read(client("public", client_secret=...)).registrations["public"].client_secret

    assert (type(secret), secret.reveal()) == (Secret, "")


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("client_id", "a b", "authkit.acme.client_id: 'a b' has a blank or an invisible character"),
        ("client_secret", "canary canary", "authkit.acme.client_secret: has a blank or an invisible character"),
        ("pkce", "plain", "authkit.acme.pkce: 'plain' must be one of: on, off, hex, base64url"),
        ("token_url", "http://acme.example/", "authkit.acme.token_url: 'http://acme.example/' is http; write https"),
        ("token_url", "http://localhost:80@attacker.test/", "authkit.acme.token_url: 'http://localhost:80@attacker"),
        ("client_id", b"x", "authkit.acme.client_id must be text, not bytes"),
        ("client_id", "", "authkit.acme.client_id is empty; give it a value or leave it out"),
    ],
)
def test_a_malformed_setting_of_a_registration_is_named(key: str, text: object, reason: str) -> None:
    said = refused(client("acme", **{key: text}))

    assert said.startswith(reason)
    assert "canary" not in said


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb",
        "https://app.example/cb#x",
        "https://user@app.example/cb",
        "/auth/acme/callback",
        "https://*.app.example/cb",
        "https://app.example/*",
        "http://localhost:80@attacker.test/",
        "https://app.example\\@evil.example/",
    ],
)
def test_rdu_06_a_bad_redirect_uri_is_refused(uri: str) -> None:
    assert refused(client("acme", redirect_uri=uri)).startswith(
        f"authkit.acme.redirect_uri: {uri!r} ".replace("\\", "\\\\")
    )


# Providers


@pytest.mark.parametrize(
    ("wanted", "advice"),
    [
        ("tiktk", "did you mean 'tiktok'?"),
        ("zzz", "installed are: acme, keyed, public, choosy, own, tiktok"),
    ],
)
def test_an_unknown_provider_is_named_with_the_likely_one(wanted: str, advice: str) -> None:
    reason = f"authkit.eu: no plugin supplies a provider '{wanted}'; {advice}"

    assert refused(client("eu", provider=wanted)) == reason


def test_a_registration_with_a_name_of_its_own_is_told_to_name_its_provider() -> None:
    assert refused(client("acme-eu")) == (
        "authkit.acme-eu: no plugin supplies a provider 'acme-eu'; did you mean 'acme'? "
        "(if 'acme-eu' is a name of your own, set authkit.acme-eu.provider)"
    )


@pytest.mark.parametrize("settings", [{"client_key": "k"}, {"client_id": "k"}, {"client_id": "k", "client_key": "k"}])
def test_the_client_id_goes_by_the_provider_s_word_too(settings: Mapping[str, str]) -> None:
    registration = read(client("keyed", **{"client_id": ..., **settings})).registrations["keyed"]

    assert registration.client_id == "k"


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, "authkit.keyed.client_key is missing: what Keyed calls the client id"),
        ({"client_key": "a b"}, "authkit.keyed.client_key: 'a b' has a blank or an invisible character inside; "),
        ({"client_id": "a b"}, "authkit.keyed.client_id: 'a b' has a blank or an invisible character inside; "),
    ],
)
def test_what_is_wrong_with_the_client_id_is_said_of_the_word_that_is_used(
    settings: Mapping[str, str], reason: str
) -> None:
    assert refused(client("keyed", **{"client_id": ..., **settings})).startswith(reason)


def test_both_words_for_the_client_id_may_not_differ() -> None:
    assert refused(client("keyed", client_key="other")) == (
        "authkit.keyed.client_id and authkit.keyed.client_key are the same setting and differ; keep one"
    )


@pytest.mark.parametrize(
    ("name", "key", "title"),
    [
        ("acme", "client_key", "Acme"),
        ("acme", "region", "Acme"),
        ("own", "region", "Own"),
        ("keyed", "platform", "Keyed"),
    ],
)
def test_a_setting_of_another_provider_is_refused(name: str, key: str, title: str) -> None:
    assert refused(client(name, **{key: "x"})) == f"authkit.{name}.{key} is no setting of {title}"


def test_an_option_has_its_default_and_its_choices() -> None:
    assert read(client("choosy")).registrations["choosy"].options == {"region": "us"}
    assert refused(client("choosy", region="cn")) == "authkit.choosy.region: 'cn' must be one of: eu, us"


@pytest.mark.parametrize(
    ("form", "challenge"),
    [("on", pkce.s256), ("base64url", pkce.s256), ("hex", pkce.s256_hex), ("off", None)],
)
def test_the_form_of_pkce_may_be_set(form: str, challenge: object) -> None:
    provider = read(client("acme", pkce=form)).registrations["acme"].provider

    assert isinstance(provider, OAuth2Provider)
    assert provider.code_challenge is challenge


def test_on_is_the_provider_s_own_form_of_pkce() -> None:
    hexed = replace(acme, code_challenge=pkce.s256_hex)

    assert read(client("acme", pkce="on"), hexed).registrations["acme"].provider is hexed


@pytest.mark.parametrize(("prompt", "known"), [("consent", "(none)"), ("none", "consent")])
def test_a_prompt_that_the_provider_does_not_know_is_refused(prompt: str, known: str) -> None:
    name = "acme" if known == "(none)" else "choosy"

    assert refused(client(name, prompt=prompt)) == f"authkit.{name}.prompt: must be one of: {known}"


def test_a_required_scope_must_be_asked_for() -> None:
    assert refused(client("acme", scope="a", required_scope="a b c")) == (
        "authkit.acme.required_scope has 'b c', which authkit.acme.scope does not ask for"
    )
    assert read(client("acme", required_scope="profile")).registrations["acme"].required_scope == ("profile",)


def test_a_provider_of_its_own_kind_is_configured() -> None:
    registration = read(client("own")).registrations["own"]

    assert (registration.scope, registration.client_id, registration.options) == (("all",), "own-id", {})


@pytest.mark.parametrize(
    ("key", "value"), [("token_url", "https://own.example/"), ("pkce", "off"), ("revoke_url", "https://own.example/")]
)
def test_a_provider_of_its_own_kind_has_no_endpoints_to_set(key: str, value: str) -> None:
    assert refused(client("own", **{key: value})) == (
        f"authkit.own.{key} cannot be set: Own has no such thing in its data"
    )


def test_of_several_that_it_has_not_the_first_is_named() -> None:
    endpoints = {"userinfo_url": "https://own.example/me", "token_url": "https://own.example/token"}

    assert refused(client("own", **endpoints)).startswith("authkit.own.token_url cannot be set: ")


def test_a_provider_of_its_own_kind_has_no_prompts() -> None:
    assert refused(client("own", prompt="consent")) == "authkit.own.prompt: must be one of: (none)"


# Redirect URIs that a provider would not register


@pytest.mark.parametrize(
    ("uri", "platform"),
    [
        ("https://app.example/cb", "web"),
        ("https://app.example/" + "a" * 491, "web"),
        ("http://localhost:3455/cb/", "desktop"),
        ("http://127.0.0.1:3455/cb/", "desktop"),
    ],
)
def test_rdu_06_a_redirect_uri_that_tiktok_registers_is_accepted(uri: str, platform: str) -> None:
    registration = read(client("tiktok", redirect_uri=uri, platform=platform)).registrations["tiktok"]

    assert (registration.redirect_uri, registration.options) == (uri, {"platform": platform})


@pytest.mark.parametrize(
    ("uri", "platform"),
    [
        ("https://app.example/cb?a=b", "web"),
        ("https://app.example/cb?", "web"),
        ("https://app.example/" + "a" * 492, "web"),
        ("http://localhost:3455/cb/", "web"),
        ("https://localhost/cb/", "web"),
        ("https://app.example/cb", "desktop"),
        ("http://localhost/cb/", "desktop"),
        ("http://127.0.0.1:3455", "desktop"),
        ("http://[::1]:3455/cb/", "desktop"),
    ],
)
def test_rdu_06_a_redirect_uri_that_tiktok_would_not_register_is_refused(uri: str, platform: str) -> None:
    reason = refused(client("tiktok", redirect_uri=uri, platform=platform))

    assert reason.startswith(f"authkit.tiktok.redirect_uri: '{uri[:50]}")
    assert "TikTok wants" in reason or len(uri) > 500


def test_an_emulator_and_an_app_on_one_machine_have_nothing_to_register() -> None:
    emulator = {"authorize_url": "http://127.0.0.1:8787/v2/auth/authorize/"}
    settings = {**client("tiktok", **emulator), "authkit.base_url": "http://localhost:6543"}

    assert read(settings).registrations["tiktok"].redirect_uri == "http://localhost:6543/auth/tiktok/callback"


@pytest.mark.parametrize(
    ("redirect_uri", "authorize_url"),
    [
        ("http://localhost:6543/auth/tiktok/callback", "https://www.tiktok.com/"),
        ("https://app.example/cb?a=b", "http://127.0.0.1:8787/v2/auth/authorize/"),
    ],
)
def test_an_app_or_a_provider_elsewhere_has(redirect_uri: str, authorize_url: str) -> None:
    reason = refused(client("tiktok", authorize_url=authorize_url, redirect_uri=redirect_uri))

    assert reason.startswith(f"authkit.tiktok.redirect_uri: '{redirect_uri}': TikTok wants")


# The kit


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8787", "http://localhost", "http://localhost:80", "http://[::1]:1"]
)
def test_a_loopback_endpoint_is_spoken_to_as_the_settings_say(network: Network, origin: str) -> None:
    endpoints = {
        f"authkit.acme.{name}": f"{origin}/{path}"
        for name, path in (("authorize_url", "a"), ("token_url", "token"), ("userinfo_url", "me"))
    }
    kit = make_kit(network, endpoints)
    browser = Browser()

    url = browser.start(kit)
    browser.come_back(kit, callback(url, code="c"))

    assert url.startswith(f"{origin}/a?")
    assert [sent.url for sent in network.sent] == [f"{origin}/token", f"{origin}/me"]


def test_other_endpoints_are_spoken_to_with_tls(network: Network) -> None:
    Browser().sign_in(make_kit(network, {"authkit.acme.token_url": "https://127.0.0.1:8787/token"}))

    assert [sent.url for sent in network.sent] == ["https://127.0.0.1:8787/token", "https://acme.example/api/me"]


def wired_kit(**settings: str) -> AuthKit:
    """Return a kit that reaches providers over the network."""
    more = {f"authkit.{key}": text for key, text in settings.items()}
    return AuthKit.from_settings({**SETTINGS, **more}, plugins=plugins_with(acme), environ={})


def test_the_proxy_is_what_the_kit_connects_to() -> None:
    with FaultyServer(answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")) as proxy:
        kit = wired_kit(proxy=f"http://127.0.0.1:{proxy.port}")

        with pytest.raises(ProviderUnavailable):
            Browser().sign_in(kit)

        assert [request.split()[:2] for request in proxy.requests] == [[b"CONNECT", b"acme.example:443"]]


@pytest.mark.parametrize(("is_set", "handshakes"), [(True, 1), (False, 0)])
def test_the_roots_of_the_settings_are_what_the_kit_trusts(tmp_path: Path, is_set: bool, handshakes: int) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    roots = {"ca_bundle": str(tmp_path / "ca.pem")} if is_set else {}

    with FaultyServer(answering(OK), context) as server:
        kit = wired_kit(**roots, **{"acme.token_url": f"https://127.0.0.1:{server.port}/token"})
        with pytest.raises(ProviderProtocolError if is_set else ProviderUnavailable):
            Browser().sign_in(kit)

        assert server.handshakes == handshakes


@pytest.mark.parametrize(
    ("base_url", "name", "secure"),
    [("https://app.example", "__Host-authkit-", True), ("http://localhost:6543", "authkit-", False)],
)
def test_cookies_are_secure_unless_the_app_is_on_this_machine(base_url: str, name: str, secure: bool) -> None:
    (cookie,) = make_kit(settings={"authkit.base_url": base_url}).begin("acme").cookies

    assert cookie.name.startswith(name)
    assert cookie.secure is secure


def test_a_cookie_is_sealed_with_the_app_s_secret_for_transactions() -> None:
    (cookie,) = make_kit().begin("acme").cookies

    assert Sealer([Secret(SECRET)], "transaction", bytes).open(cookie.value, cookie.name).startswith(b'["acme",')


def test_a_malformed_allow_list_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^config_error: authkit\.plugins must be text, not float$"):
        AuthKit.from_settings({**SETTINGS, "authkit.plugins": 1.5}, environ={})


def test_rdu_01_every_redirect_uri_is_built_from_the_base_url() -> None:
    kit = make_kit(settings={"authkit.base_url": "https://app.example/shop", "authkit.prefix": "/sign-in"})

    url = kit.begin("acme").url

    assert "&redirect_uri=https%3A%2F%2Fapp.example%2Fshop%2Fsign-in%2Facme%2Fcallback&" in url
    assert len(state_of(url)) == 43


def test_a_client_id_has_room_in_an_identity() -> None:
    assert refused(client("acme", client_id="x" * 256)) == (
        "authkit.acme.client_id is longer than 255 characters: paste it again"
    )
    assert make_kit(settings={"authkit.acme.client_id": "x" * 255})


def test_a_scope_that_no_cookie_holds_is_refused() -> None:
    scope = " ".join(f"https://acme.example/auth/a-very-long-scope-with-number-{number}" for number in range(30))
    assert refused(client("acme", scope=scope)).endswith("are too long for the cookie of a login")


def test_a_scope_that_a_cookie_just_holds_is_taken() -> None:
    fits = "s" * (1500 - len("https://app.example/auth/acme/callback"))

    assert read(client("acme", scope=fits)).registrations["acme"].scope == (fits,)
    assert refused(client("acme", scope=f"{fits}s")).endswith("are too long for the cookie of a login")


def test_each_endpoint_on_this_machine_is_spoken_to_without_tls_where_the_settings_say_so() -> None:
    network = Network()
    names = {"token": "token_url", "me": "userinfo_url", "revoke": "revoke_url"}
    urls = {name: f"http://127.0.0.1:900{number}/{name}" for number, name in enumerate(names)}
    kit = make_kit(network, {f"authkit.acme.{names[name]}": url for name, url in urls.items()})
    begun = kit.begin("acme")

    login = kit.complete("acme", f"code=c&state={state_of(begun.url)}", begun.cookies).login
    kit.revoke("acme", login.token)

    assert [sent.url for sent in network.sent] == list(urls.values())


def test_an_origin_that_only_the_browser_goes_to_is_not_spoken_to_without_tls() -> None:
    network = Network()
    own = {"authkit.acme.authorize_url": "http://localhost/a", "authkit.acme.token_url": "https://localhost/token"}
    kit = make_kit(network, own)
    begun = kit.begin("acme")
    kit.complete("acme", f"code=c&state={state_of(begun.url)}", begun.cookies)
    assert network.to("token")[0].url == "https://localhost/token"


# Another way to the provider


def here(name: str) -> str:
    return f"http://127.0.0.1:8787/{name}"


def test_a_kit_that_is_connected_otherwise_asks_there_and_goes_by_the_clock_it_is_given() -> None:
    before, after, clock = Network(), Network(), Clock()
    endpoints = {f"authkit.acme.{name}_url": here(reply) for name, reply in (("token", "token"), ("userinfo", "me"))}
    kit = make_kit(before, endpoints)
    clock.now += 5000

    other = connected(kit, {"acme": after}, clock)
    login = Browser().sign_in(other)

    assert before.sent == []
    assert other.clock is clock
    assert [sent.url for sent in after.sent] == [here("token"), here("me")]
    assert login.token.expires_at == datetime.fromtimestamp(clock.now + 3600, timezone.utc)
    browser = Browser()
    url = browser.start(other)
    clock.now += 600
    with pytest.raises(StateInvalid, match="600 s ago"):
        browser.come_back(other, callback(url, code="c"))


class Noting:
    """A provider of its own kind that notes by which clocks its clients are to go."""

    name = title = "own"
    default_scope = ()

    def __init__(self) -> None:
        self.clocks: list[object] = []

    def client(self, client_id: str, client_secret: Secret, transport: Transport) -> Noting:
        self.clocks.append(transport.clock)
        return self


def test_a_client_that_is_connected_otherwise_goes_by_the_clock_that_is_given() -> None:
    own, first, second = Noting(), Clock(), Clock()
    settings = {"authkit.own.client_id": "id", "authkit.own.client_secret": "secret"}
    kit = make_kit(settings=settings, plugins=plugins_with(acme, own), clock=first)

    connected(kit, {"own": Network()}, second)

    assert own.clocks == [first, second]


def test_a_kit_that_is_connected_otherwise_keeps_its_clock_unless_it_is_given_one() -> None:
    clock = Clock()
    kit = make_kit(clock=clock)
    clock.now += 5000

    token = Browser().sign_in(connected(kit, {"acme": Network()})).token

    assert token.expires_at == datetime.fromtimestamp(clock.now + 3600, timezone.utc)


def test_nothing_of_a_kit_that_is_connected_otherwise_can_be_exchanged() -> None:
    kit = connected(make_kit(), {"acme": Network()})

    for values in (kit.clients, kit.breakers):
        with pytest.raises(TypeError):
            values["acme"] = values["acme"]  # type: ignore[index]


def test_the_process_s_environment_is_read_unless_another_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHKIT_ACME_CLIENT_SECRET", "from-the-environment")
    settings = {name: value for name, value in SETTINGS.items() if not name.endswith("client_secret")}

    kit = AuthKit.from_settings(settings, plugins=plugins_with(acme))

    assert kit.registrations["acme"].client_secret == Secret("from-the-environment")
    with pytest.raises(ConfigError, match=r"authkit\.acme\.client_secret"):
        AuthKit.from_settings(settings, plugins=plugins_with(acme), environ={})
