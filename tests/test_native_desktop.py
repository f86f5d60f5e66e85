"""The kit of a desktop program: its registration's key and secret, and nothing of a web app."""

from __future__ import annotations

import pytest
from joserfc.jwk import ECKey
from loopback_world import desktop_emulator

from authkit.emulator import WsgiTransport
from authkit.errors import ConfigError
from authkit.native.desktop import desktop_kit
from authkit.seal import Sealer

OWN = {"authkit.tiktok.client_key": "a-key", "authkit.tiktok.client_secret": "a-secret"}
IN_ENVIRONMENT = {"AUTHKIT_TIKTOK_CLIENT_KEY": "a-key", "AUTHKIT_TIKTOK_CLIENT_SECRET": "a-secret"}


def reason_of(name, settings=None, **environ):
    with pytest.raises(ConfigError) as caught:
        desktop_kit(name, settings, environ=environ)
    return caught.value.reason


@pytest.mark.parametrize(("settings", "environ"), [(OWN, {}), (None, IN_ENVIRONMENT), ({}, IN_ENVIRONMENT)])
def test_a_key_and_a_secret_are_enough(settings, environ):
    kit = desktop_kit("tiktok", settings, environ=environ)
    registration = kit.registrations["tiktok"]

    assert list(kit.registrations) == ["tiktok"]
    assert (registration.client_id, registration.client_secret) == ("a-key", "a-secret")
    assert registration.options == {"platform": "desktop"}
    assert kit.site.base_url == "http://127.0.0.1:1"


def test_the_secret_is_new_each_time():
    first, second = (desktop_kit("tiktok", OWN, environ={}).secrets for _ in range(2))

    assert first != second
    assert [len(secret.reveal()) >= 32 for secret in first] == [True]


def test_without_arguments_the_process_s_own_environment_counts(monkeypatch):
    for name, value in IN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    assert desktop_kit("tiktok").registrations["tiktok"].client_id == "a-key"


def test_every_secret_of_a_registration_may_stand_in_a_file(tmp_path):
    (tmp_path / "key.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    environ = {
        "AUTHKIT_STAFF_PROVIDER": "oidc",
        "AUTHKIT_STAFF_ISSUER": "https://id.example",
        "AUTHKIT_STAFF_CLIENT_ID": "a-key",
        "AUTHKIT_STAFF_PRIVATE_KEY_FILE": str(tmp_path / "key.pem"),
    }

    options = desktop_kit("staff", environ=environ).registrations["staff"].options

    assert options["private_key"].reveal().startswith("-----BEGIN")


def test_the_settings_win_over_the_environment():
    kit = desktop_kit("tiktok", {"authkit.tiktok.client_id": "another"}, environ=IN_ENVIRONMENT)

    assert (kit.registrations["tiktok"].client_id, kit.registrations["tiktok"].client_secret) == (
        "another",
        "a-secret",
    )


def test_a_web_app_s_settings_can_be_given_as_they_are(tmp_path):
    (tmp_path / "secret").write_text("a-secret")
    settings = {
        "pyramid.includes": "authkit.pyramid",
        "tiktok.client_key": "not ours",
        "authkit.secret_file": str(tmp_path / "secret"),
        "authkit.base_url": "https://app.example/shop",
        "authkit.login_url": "/login",
        "authkit.vault_key": "short",
        "authkit.templates": str(tmp_path),
        "authkit.accounts.database": "sqlite://",
        "authkit.native.phone.link": "https://app.example/open",
        "authkit.tiktok.client_key": "a-key",
        "authkit.tiktok.client_secret_file": str(tmp_path / "secret"),
        "authkit.tiktok.redirect_uri": "https://app.example/callback",
        "authkit.tiktok.scope": "user.info.basic user.info.stats",
        "authkit.web.provider": "tiktok",
        "authkit.web.client_key": "another-key",
        "authkit.web.client_secret": "another-secret",
    }
    environ = {
        "AUTHKIT_BASE_URL": "https://app.example",
        "AUTHKIT_SECRET_FILE": "/nowhere",
        "AUTHKIT_TIKTOK_REDIRECT_URI": "https://app.example/callback",
        "AUTHKIT_TIKTOK_SANDBOX_CLIENT_KEY": "a-third-key",
        "AUTHKIT_TIKTOK_PLATFORM_FILE": "/nowhere",
        "AUTHKIT_NATIVE_LIFETIME": "never",
    }
    kit = desktop_kit("tiktok", settings, environ=environ)

    assert list(kit.registrations) == ["tiktok"]
    assert kit.registrations["tiktok"].client_secret == "a-secret"
    assert kit.registrations["tiktok"].redirect_uri == "http://127.0.0.1:1/auth/tiktok/callback"
    assert kit.registrations["tiktok"].scope == ("user.info.basic", "user.info.stats")
    assert (kit.site.base_url, kit.site.login_url, kit.site.templates) == ("http://127.0.0.1:1", "", str(tmp_path))
    assert len(kit.secrets[0].reveal()) >= 32
    assert kit.sealers["vault"].key_id == Sealer(kit.secrets, "vault", kit.random).key_id


def test_a_secret_may_stand_in_a_file_that_the_environment_names(tmp_path):
    (tmp_path / "secret").write_text("from-the-file\n")
    environ = {"AUTHKIT_TIKTOK_CLIENT_ID": "a-key", "AUTHKIT_TIKTOK_CLIENT_SECRET_FILE": str(tmp_path / "secret")}

    assert desktop_kit("tiktok", environ=environ).registrations["tiktok"].client_secret == "from-the-file"


@pytest.mark.parametrize(
    ("settings", "environ"),
    [
        ({"authkit.my-app.provider": "tiktok"}, {}),
        ({}, {"AUTHKIT_MY_APP_PROVIDER": " tiktok "}),
    ],
)
def test_a_registration_may_have_a_name_of_its_own(settings, environ):
    keys = {"AUTHKIT_MY_APP_CLIENT_KEY": "a-key", "AUTHKIT_MY_APP_CLIENT_SECRET": "a-secret"}
    kit = desktop_kit("my-app", settings, environ={**environ, **keys})

    assert kit.registrations["my-app"].provider.name == "tiktok"
    assert kit.registrations["my-app"].options == {"platform": "desktop"}


@pytest.mark.parametrize(
    ("settings", "environ"),
    [({"authkit.tiktok.platform": "web"}, {}), ({}, {"AUTHKIT_TIKTOK_PLATFORM": "web"})],
)
def test_a_platform_that_is_set_stays(settings, environ):
    reason = reason_of("tiktok", {**OWN, **settings}, **environ)

    assert "TikTok wants a public https address for a web app" in reason


def test_an_empty_variable_is_none():
    kit = desktop_kit("tiktok", OWN, environ={"AUTHKIT_TIKTOK_PLATFORM": "", "AUTHKIT_TIKTOK_SCOPE": " "})

    assert kit.registrations["tiktok"].options == {"platform": "desktop"}


@pytest.mark.parametrize(
    ("settings", "environ"), [({"authkit.plugins": "acme"}, {}), ({}, {"AUTHKIT_PLUGINS": "acme"})]
)
def test_what_is_not_on_the_list_of_plugins_is_not_loaded(settings, environ):
    reason = reason_of("tiktok", {**OWN, **settings}, **environ)

    assert reason == (
        "authkit.tiktok: no plugin supplies a provider 'tiktok'; installed are: none; "
        "these plugins could not be loaded: 'acme' of (not found) "
        "(authkit.plugins lists it; install it, or take it out); "
        "authkit.plugins leaves out: oidc, tiktok"
    )


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("tiktok", {}, "authkit.tiktok.client_key is missing: what TikTok calls the client id"),
        (
            "tiktok",
            {"authkit.tiktok.provider": 5},
            "authkit.tiktok: no plugin supplies a provider '5'; installed are: oidc, tiktok",
        ),
        (
            "tictoc",
            {},
            "authkit.tictoc: no plugin supplies a provider 'tictoc'; did you mean 'tiktok'? "
            "(if 'tictoc' is a name of your own, set authkit.tictoc.provider)",
        ),
        ("a b", {}, "registration name 'a b' does not match [a-z][a-z0-9-]{0,31}; choose another"),
        (
            "tiktok",
            {**OWN, "authkit.tiktok.client_kye": "x"},
            "authkit.tiktok.client_kye is no setting of authkit; did you mean authkit.tiktok.client_key?",
        ),
    ],
)
def test_what_is_missing_or_wrong_is_named(name, settings, reason):
    assert reason_of(name, settings) == reason


def test_it_speaks_to_the_provider_over_the_transport_that_is_passed():
    emulator = desktop_emulator()
    settings = {f"authkit.tiktok.{key}": value for key, value in emulator.settings("http://127.0.0.1:1").items()}
    kit = desktop_kit("tiktok", settings, transport=WsgiTransport(emulator), environ={})
    begun = kit.begin("tiktok", redirect_uri="http://127.0.0.1:1234/callback/")
    query = emulator.approve(begun.url).partition("?")[2]

    assert kit.complete("tiktok", query, begun.cookies).login.profile.display_name == "Ada Tok"


def test_roots_to_trust_are_kept(tmp_path):
    (tmp_path / "roots.pem").write_text("no certificate")

    assert reason_of("tiktok", OWN, AUTHKIT_CA_BUNDLE=str(tmp_path / "roots.pem")).startswith("authkit.ca_bundle: ")


@pytest.mark.parametrize("variable", ["AUTHKIT_PROXY", "AUTHKIT_PROXY_FILE"])
def test_a_proxy_is_kept(variable, tmp_path):
    (tmp_path / "proxy").write_text("nowhere")
    value = str(tmp_path / "proxy") if variable.endswith("_FILE") else "nowhere"

    assert "is no address of a proxy" in reason_of("tiktok", OWN, **{variable: value})
