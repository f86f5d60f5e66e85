"""`authkit emulate` and `authkit demo` for a plugin that brings no emulator."""

from __future__ import annotations

import json

import pytest
from fakes import plugins_with
from stock_world import acme, provider

from authkit import hookimpl
from authkit.cli.emulating import make_emulator
from authkit.emulator import StockEmulator
from authkit.errors import ConfigError
from authkit.plugins import load_plugins


class Guild:
    """A provider that is no OAuth 2.0 code flow."""

    name = "guild"
    title = "Guild"
    default_scope = ()

    def client(self, *_):
        raise NotImplementedError


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
        ConfigError, match=r"'guild' is no OAuth 2\.0 code flow, so its plugin has to bring an emulator$"
    ):
        make_emulator("guild", plugins_with(Guild(), acme))


def test_an_unknown_name_is_told_what_there_is():
    plugins = plugins_with(acme, Guild(), provider(name="bcme"))
    with pytest.raises(ConfigError, match=r"no plugin brings an emulator of 'ccme'; there are: acme, bcme$"):
        make_emulator("ccme", plugins)


def test_a_provider_whose_user_info_cannot_be_guessed_is_a_configuration_error():
    with pytest.raises(ConfigError, match="nobody can tell what the user info endpoint of 'acme' answers"):
        make_emulator("acme", plugins_with(provider(profile=dict)))


@pytest.mark.pyramid
def test_the_demo_signs_in_with_it(capsys):
    from authkit.cli import demo

    status = demo.run("acme", 0, 0, check=True, as_json=True, plugins=plugins_with(acme))
    told = json.loads(capsys.readouterr().out)

    assert status == 0
    assert told["profile"]["identity"] == "v1:acme:emulated-client:1000001"
