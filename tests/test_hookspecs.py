"""The hooks: documented, and each with a test that is named after it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pluggy
import pytest
from fakes import Browser, acme, make_kit, plugins_with

from authkit import Login, errors, hookimpl, hookspecs
from authkit.errors import AuthkitError
from authkit.plugins import load_plugins

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("authkit_")}


def test_there_are_these_hooks_and_no_others() -> None:
    assert {name: [*inspect.signature(hook).parameters] for name, hook in HOOKS.items()} == {
        "authkit_providers": [],
        "authkit_emulators": [],
        "authkit_login_succeeded": ["login"],
        "authkit_login_failed": ["error"],
    }


def test_every_hook_is_a_specification() -> None:
    manager = pluggy.PluginManager("authkit")
    manager.add_hookspecs(hookspecs)

    assert set(vars(manager.hook)) - {"_"} >= set(HOOKS)
    assert all(getattr(manager.hook, name).spec is not None for name in HOOKS)


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_says_who_calls_it_and_what_an_exception_does(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""

    assert "Called " in text
    assert "exception" in text


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_has_a_test_named_after_it(name: str) -> None:
    files = sorted(Path(__file__).parent.glob("test_*.py"))

    assert any(re.search(rf"^def test_{name}_", path.read_text(encoding="utf-8"), re.MULTILINE) for path in files)


def test_authkit_providers_supplies_providers() -> None:
    assert dict(plugins_with(acme).providers) == {"acme": acme}


def test_authkit_emulators_supplies_what_makes_emulators() -> None:
    class Emulator:
        provider = "acme"

    class Plugin:
        @hookimpl
        def authkit_emulators(self) -> list[type[Emulator]]:
            return [Emulator]

    makers: dict[str, object] = dict(load_plugins(found=(), extra=[Plugin()]).emulators())
    assert makers == {"acme": Emulator}


def test_authkit_login_succeeded_observes_a_login() -> None:
    seen: list[Login] = []

    def note(login: Login) -> None:
        seen.append(login)

    kit = make_kit(plugins=plugins_with(acme, authkit_login_succeeded=note))
    login = Browser().sign_in(kit)
    assert seen == []

    kit.succeeded(login)
    assert seen == [login]


def test_authkit_login_failed_observes_a_failure() -> None:
    seen: list[AuthkitError] = []

    def note(error: AuthkitError) -> None:
        seen.append(error)

    error = errors.AccessDenied("no", registration="acme")
    make_kit(plugins=plugins_with(acme, authkit_login_failed=note)).failed(error)

    assert seen == [error]
