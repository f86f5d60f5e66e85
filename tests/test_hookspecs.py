"""The hooks: documented, and each with a test that is named after it."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pluggy
import pytest
from fakes import Browser, acme, make_kit, plugins_with
from observers import ObservedWorld

from authkit import Identity, Login, ProviderEvent, errors, hookimpl, hookspecs
from authkit.accounts.inbox import Inbox
from authkit.errors import AuthkitError, ReauthRequired
from authkit.events import Received
from authkit.plugins import load_plugins

HOOKS = {name: hook for name, hook in vars(hookspecs).items() if name.startswith("authkit_")}


def test_there_are_these_hooks_and_no_others() -> None:
    assert {name: [*inspect.signature(hook).parameters] for name, hook in HOOKS.items()} == {
        "authkit_providers": [],
        "authkit_emulators": [],
        "authkit_login_succeeded": ["login"],
        "authkit_login_failed": ["error"],
        "authkit_account_created": ["account_id", "identity"],
        "authkit_linked": ["account_id", "identity"],
        "authkit_unlinked": ["account_id", "identity"],
        "authkit_token_refreshed": ["identity"],
        "authkit_reauth_required": ["identity", "reason"],
        "authkit_disconnected": ["identity", "reason"],
        "authkit_provider_event": ["event"],
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


def test_every_hook_stands_in_the_docs_with_its_arguments() -> None:
    text = (Path(__file__).parent.parent / "docs" / "hooks.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### `(authkit_\w+)\((.*)\)`$", text, re.MULTILINE)

    assert dict(headings) == {name: ", ".join(inspect.signature(hook).parameters) for name, hook in HOOKS.items()}


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


# What the accounts tell: once, and after the database has it

ADA = Identity("acme", "acme-client", "user-1")
EVENT = ProviderEvent(
    "something.happened",
    "acme-client",
    "user-1",
    datetime(2027, 1, 15, 8, tzinfo=timezone.utc),
    registration="acme",
)


@pytest.fixture
def world(database: Any) -> ObservedWorld:
    """Give accounts with an observer."""
    return ObservedWorld(database)


def test_authkit_account_created_observes_the_first_login_of_somebody(world: ObservedWorld) -> None:
    account = world.accounts.sign_in(world.login()).account
    world.accounts.sign_in(world.login())

    assert world.observer.told == [("account_created", account.id, ADA)]


def test_authkit_linked_observes_another_way_to_sign_in(world: ObservedWorld) -> None:
    account = world.accounts.sign_in(world.login()).account
    world.observer.clear()

    world.accounts.link(account.id, world.login("user-2"))
    world.accounts.link(account.id, world.login("user-2"))

    assert world.observer.told == [("linked", account.id, replace(ADA, subject="user-2"))]


def test_authkit_unlinked_observes_what_an_account_loses(world: ObservedWorld) -> None:
    account = world.accounts.sign_in(world.login()).account
    world.accounts.link(account.id, world.login("user-2"))
    world.observer.clear()

    world.accounts.unlink(account.id, ADA)
    world.accounts.unlink(account.id, ADA)
    world.accounts.delete(account.id)

    assert world.observer.told == [
        ("unlinked", account.id, ADA),
        ("unlinked", account.id, replace(ADA, subject="user-2")),
    ]


def test_authkit_token_refreshed_observes_a_refresh(world: ObservedWorld) -> None:
    world.accounts.sign_in(world.login())
    world.observer.clear()
    world.vault.access_token(ADA)
    assert world.observer.told == []

    world.clock.now += 3599
    world.vault.access_token(ADA)

    assert world.observer.told == [("token_refreshed", ADA)]


def test_authkit_reauth_required_observes_the_end_of_a_token(world: ObservedWorld) -> None:
    world.accounts.sign_in(world.login())
    world.observer.clear()
    world.network.replies["token"] = (400, {"error": "invalid_grant"})
    world.clock.now += 3599

    for _ in range(2):
        with pytest.raises(ReauthRequired):
            world.vault.access_token(ADA)

    assert world.observer.told == [("reauth_required", ADA, "invalid_grant")]


def test_authkit_disconnected_observes_the_end_of_an_authorization(world: ObservedWorld) -> None:
    world.accounts.sign_in(world.login())
    world.observer.clear()
    removed = Received(replace(EVENT, ends_authorization=True, reason="the user is gone"), "key", False, "ref")

    for _ in range(2):
        Inbox(world.kit, world.database).take(removed)

    assert world.observer.told == [("disconnected", ADA, "the user is gone"), ("provider_event", removed.event)]


def test_authkit_provider_event_observes_any_event(world: ObservedWorld) -> None:
    for _ in range(2):
        Inbox(world.kit, world.database).take(Received(EVENT, "key", False, "ref"))

    assert world.observer.told == [("provider_event", EVENT)]
