"""`authkit emulate` and `authkit demo` for a plugin that brings no emulator, and for ``oidc``."""

from __future__ import annotations

import json

import pytest
from fakes import plugins_with
from stock_world import acme, provider

from authkit import Profile, hookimpl
from authkit.cli.emulators import app_settings, make_emulator
from authkit.emulator import OpenIDClient, OpenIDEmulator, StockEmulator
from authkit.errors import ConfigError
from authkit.oidc import OpenIDProvider
from authkit.plugins import load_plugins

globex = OpenIDProvider(name="globex", title="Globex", issuer="https://id.globex.example")


class Guild:
    """A provider that is no OAuth 2.0 code flow."""

    name = "guild"
    title = "Guild"
    default_scope = ()

    def client(self, *_):
        raise NotImplementedError


class WithGlobex:
    @hookimpl
    def authkit_providers(self):
        return [globex]


class OwnEmulator:
    provider = "acme"


class WithEmulator:
    @hookimpl
    def authkit_providers(self):
        return [acme]

    @hookimpl
    def authkit_emulators(self):
        return [OwnEmulator]


def test_a_provider_without_an_emulator_gets_the_stock_one():
    emulator = make_emulator("acme", plugins_with(acme))

    assert isinstance(emulator, StockEmulator)
    assert emulator.provider == "acme"


def test_a_plugin_s_own_emulator_comes_first():
    assert isinstance(make_emulator("acme", load_plugins(found=(), extra=[WithEmulator()])), OwnEmulator)


def test_another_kind_of_provider_has_to_bring_its_emulator():
    with pytest.raises(
        ConfigError,
        match=r"'guild' is no OAuth 2\.0 code flow and no OpenID Connect, so its plugin has to bring an emulator$",
    ):
        make_emulator("guild", plugins_with(Guild(), acme))


def test_an_unknown_name_is_told_what_there_is():
    plugins = plugins_with(acme, Guild(), provider(name="bcme"), globex)
    with pytest.raises(ConfigError, match=r"no plugin brings an emulator of 'ccme'; there are: acme, bcme, globex$"):
        make_emulator("ccme", plugins)


def test_a_provider_whose_user_info_cannot_be_guessed_is_a_configuration_error():
    with pytest.raises(ConfigError, match="nobody can tell what the user info endpoint of 'acme' answers"):
        make_emulator("acme", plugins_with(provider(profile=dict)))


def test_a_provider_of_openid_connect_without_an_emulator_gets_an_issuer_at_the_emulator_s_own_address():
    emulator = make_emulator("globex", plugins_with(globex))

    assert isinstance(emulator, OpenIDEmulator)
    assert app_settings(emulator, "http://127.0.0.1:8787") == {
        "authkit.globex.title": "Globex",
        "authkit.globex.issuer": "http://127.0.0.1:8787",
        "authkit.globex.client_id": "emulated-client",
        "authkit.globex.client_secret": "emulated-secret-worth-nothing",
    }


def test_that_issuer_takes_apps_and_users():
    apps, users = [{"client_id": "app-1", "client_secret": "secret-1"}], [{"sub": "u-1", "name": "Uma"}]
    emulator = make_emulator("globex", plugins_with(globex), apps=apps, users=users)

    assert isinstance(emulator, OpenIDEmulator)
    assert emulator.clients == (OpenIDClient("app-1", "secret-1"),)
    assert [user.profile.display_name for user in emulator.users] == ["Uma"]


def test_a_registration_at_oidc_has_another_name_because_that_one_is_reserved():
    emulator = make_emulator("oidc", load_plugins())

    assert app_settings(emulator, "http://127.0.0.1:8787") == {
        "authkit.idp.provider": "oidc",
        "authkit.idp.title": "OpenID Connect",
        "authkit.idp.issuer": "http://127.0.0.1:8787",
        "authkit.idp.client_id": "emulated-client",
        "authkit.idp.client_secret": "emulated-secret-worth-nothing",
    }


@pytest.mark.pyramid
def test_the_demo_prints_objects_and_lists_of_them_as_people_read_them(capsys):
    from authkit.cli import demo

    mails = [{"email": "ada@people.example", "primary": True}]
    told = provider(profile=lambda data: Profile(subject=data["id"], raw={"mails": mails, "home": {"zip": "1"}}))
    assert demo.run("acme", 0, 0, check=True, as_json=False, plugins=plugins_with(told)) == 0

    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["mails", "email: ada@people.example, primary: True"] in [[*map(str.strip, line)] for line in lines]
    assert ["home", "zip: 1"] in [[*map(str.strip, line)] for line in lines]


@pytest.mark.pyramid
@pytest.mark.parametrize("name", ["globex", "oidc"])
def test_the_demo_signs_in_at_an_issuer(name: str, capsys):
    from authkit.cli import demo

    status = demo.run(name, 0, 0, check=True, as_json=True, plugins=load_plugins(extra=[WithGlobex()]))
    told = json.loads(capsys.readouterr().out)

    assert status == 0
    assert told["profile"]["name"] == "Ada Example"
    assert told["profile"]["granted_scopes"] == ["openid", "profile", "email", "address", "phone"]


@pytest.mark.pyramid
def test_the_demo_signs_in_with_it(capsys):
    from authkit.cli import demo

    status = demo.run("acme", 0, 0, check=True, as_json=True, plugins=plugins_with(acme))
    told = json.loads(capsys.readouterr().out)

    assert status == 0
    assert told["profile"]["identity"] == "v1:acme:emulated-client:1000001"
