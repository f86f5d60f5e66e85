"""`Setup`: a provider, its emulator, and an app that has registered it, all in one process."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from secrets import token_bytes
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from authkit import AuthKit, ProviderClient, hookimpl
from authkit.emulator import Drivable, WsgiTransport
from authkit.plugins import Plugins, load_plugins
from authkit.provider import AnyProvider, OAuth2Provider
from authkit.registration import Registration
from authkit.testing.provider.emulators import missing_members
from authkit.testing.provider.listening import Listening
from authkit.testing.provider.verdicts import pointless, waiting, wrong
from authkit.testing.provider.wire import Wire

if TYPE_CHECKING:
    from authkit.testing.provider.contract import ProviderContract

__all__ = ["SECOND", "Setup"]

BASE_URL = "https://app.example"
ORIGIN = "https://provider.example"
APP_SECRET = "a-secret-of-an-app-that-exists-in-tests-only"
SECOND = "contract-second"
ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")

S = TypeVar("S", bound="Setup")
T = TypeVar("T")


class Setup:
    """What a test of the contract stands on. What cannot be made skips the test that wanted it.

    Args:
        contract: the plugin's test class, with the provider.

    Attributes:
        contract: as above.
        listening: what is logged, and who reaches for the network.
        drawn: the random bytes that the app drew.
    """

    def __init__(self, contract: ProviderContract) -> None:
        self.contract = contract
        self.listening = Listening()
        self.drawn: list[bytes] = []

    def __enter__(self: S) -> S:
        self._environ = dict(os.environ)
        self.listening.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listening.__exit__(kind, error, trace)
        if os.environ != self._environ:  # a provider's change is not to outlive its test
            os.environ.clear()
            os.environ.update(self._environ)

    @property
    def provider(self) -> AnyProvider:
        """The provider."""
        return self.contract.provider

    @property
    def name(self) -> str:
        """The name of the provider, and of its registration."""
        return self.provider.name

    @property
    def data(self) -> OAuth2Provider:
        """The provider, if it is data; a test of that skips for any other."""
        if not isinstance(self.provider, OAuth2Provider):
            pointless(f"{self.name} brings a client of its own, and no such data")
        return self.provider

    def function(self, name: str) -> Callable[[Any], Any]:
        """Return a function of the provider; skip where its own client does that."""
        found: Callable[[Any], Any] | None = getattr(self.provider, name, None)
        return found or pointless(f"{self.name} brings a client of its own: it has no function `{name}` to call")

    @cached_property
    def emulator(self) -> Drivable:
        """The emulator."""
        made = self.told(self.contract.new_emulator)
        if isinstance(made, Exception) or missing_members(made):
            waiting("an emulator", "test_the_emulator_can_be_made")
        return made

    @cached_property
    def wire(self) -> Wire:
        """What goes to the emulator and back."""
        return Wire(self.emulator)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The registration's settings, without their prefix; the endpoints are the provider's own."""
        given: Mapping[str, str] = self.emulator.settings(ORIGIN)
        return {name: value for name, value in given.items() if name not in ENDPOINTS}

    @property
    def client_id(self) -> str:
        """The client id."""
        return self.settings[self.word]

    @property
    def word(self) -> str:
        """What the settings call the client id."""
        word = getattr(self.provider, "client_id_param", "client_id")
        return word if word in self.settings else "client_id"

    @property
    def client_secret(self) -> str:
        """The client secret; a test of that skips for a public client."""
        secret = self.settings.get("client_secret", "")
        return secret or pointless(f"a client of {self.name} has no secret")

    @cached_property
    def plugins(self) -> Plugins:
        """The plugins of a process in which one supplies the provider."""
        provider = self.provider

        class Plugin:
            @hookimpl
            def authkit_providers(self) -> list[AnyProvider]:
                return [provider]

        return load_plugins(found=(), extra=[Plugin()])

    def make_kit(self, **changes: str) -> AuthKit:
        """Return a kit with the provider registered, twice if the second has settings: ``second.client_id``, …

        Raises:
            ConfigError: the settings are refused.
        """
        own = {f"authkit.{self.name}.{key}": value for key, value in {**self.settings, **changes}.items()}
        second = {f"authkit.{SECOND}.{key}": value for key, value in self.settings.items()}
        return AuthKit.from_settings(
            {
                "authkit.secret": APP_SECRET,
                "authkit.base_url": BASE_URL,
                **own,
                **second,
                f"authkit.{SECOND}.provider": self.name,
            },
            transport=WsgiTransport(self.wire),
            clock=self.emulator.workbench.clock,
            random=self._draw,
            plugins=self.plugins,
            environ={},
        )

    @cached_property
    def kit(self) -> AuthKit:
        """The kit of the app."""
        made = self.told(self.make_kit)
        return made if isinstance(made, AuthKit) else waiting("a registration", "test_the_provider_can_be_registered")

    @property
    def registration(self) -> Registration:
        """The provider's registration."""
        return self.kit.registrations[self.name]

    @property
    def client(self) -> ProviderClient:
        """What speaks to the provider."""
        return self.kit.clients[self.name]

    def turn(self, switch: str, value: str) -> None:
        """Turn a switch of the emulator, if it has it."""
        with suppress(ValueError):
            self.emulator.workbench.switches.turn(switch, value)

    def lacks(self, capability: str, reason: str) -> NoReturn:
        """Skip a test of something that the provider has not, or fail if its plugin says that it has to."""
        if capability in self.contract.requires:
            wrong(
                f"The test class requires {capability!r}, and {reason}.",
                why="whoever wrote `requires` wants to hear of it when a capability gets lost",
                fix=f"give the provider (and the emulator) what it lacks, or take {capability!r} out of `requires`",
            )
        pointless(f"no {capability}: {reason}")

    def told(self, call: Callable[[], T]) -> T | Exception:
        """Return what `call` returns, or the exception that came out."""
        try:
            return call()
        except Exception as exc:  # noqa: BLE001 - what comes out of a plugin is what is judged
            return exc

    def _draw(self, length: int) -> bytes:
        self.drawn.append(token_bytes(length))
        return self.drawn[-1]
