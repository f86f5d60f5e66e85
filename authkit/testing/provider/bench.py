"""`Bench`: an app, a browser and a provider's emulator, all in one process, for one test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from secrets import token_bytes
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl, urlencode, urlsplit

from authkit import AuthKit, hookimpl, pkce
from authkit.emulator import WsgiTransport
from authkit.errors import AuthkitError
from authkit.models import Login, Token
from authkit.plugins import Plugins, load_plugins
from authkit.provider import AnyProvider, OAuth2Provider, ProviderClient
from authkit.testing.provider.listening import Listening
from authkit.testing.provider.verdicts import pointless, waiting, wrong
from authkit.testing.provider.wire import Sent, Wire

if TYPE_CHECKING:
    from authkit.testing.provider.contract import ProviderContract

__all__ = ["SECOND", "Attempt", "Bench", "Outcome"]

BASE_URL = "https://app.example"
APP_SECRET = "a-secret-of-an-app-that-exists-in-tests-only"
SECOND = "contract-second"
ENDPOINTS = ("authorize_url", "token_url", "userinfo_url", "revoke_url")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that has begun.

    Attributes:
        name: the registration.
        url: where the browser was sent.
        state: the state that the core made.
        verifier: the PKCE verifier that the core made.
        redirect_uri: where the provider is to send the browser back to.
        cookies: the browser's.
    """

    name: str
    url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    cookies: Mapping[str, str] = field(repr=False)

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The parameters of the authorization request, in their order."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the authorization request."""
        return dict(self.pairs)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a login: a `Login`, or the error, or the error page on which the provider kept the browser."""

    attempt: Attempt
    login: Login | None = None
    error: Exception | None = None
    page: str = ""

    @property
    def text(self) -> str:
        """What came of it, in words."""
        if self.login is not None:
            return "the login succeeded"
        return self.page or f"{type(self.error).__name__}: {self.error}"


class Bench:
    """All that a test of the contract needs. What cannot be made skips the test that wanted it.

    Args:
        contract: the plugin's test class, with the provider.

    Attributes:
        contract: as above.
        listening: what is logged, and who reaches for the network.
    """

    def __init__(self, contract: ProviderContract) -> None:
        self.contract = contract
        self.listening = Listening()
        self._random: list[bytes] = []

    def __enter__(self) -> Bench:
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

    # What there is

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
            pointless(f"{self.name} brings a client of its own: there is no such function to call")
        return self.provider

    @cached_property
    def emulator(self) -> Any:
        """The emulator."""
        try:
            return self.contract.new_emulator()
        except (AuthkitError, ValueError):
            pass
        waiting("an emulator", "test_the_emulator_can_be_made")

    @cached_property
    def wire(self) -> Wire:
        """What goes to the emulator and back."""
        return Wire(self.emulator)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """The registration's settings, without their prefix; the endpoints are the provider's own."""
        given: Mapping[str, str] = self.emulator.settings(BASE_URL.replace("app", "provider"))
        return {name: value for name, value in given.items() if name not in ENDPOINTS}

    @property
    def client_id(self) -> str:
        """The client id."""
        word = self.provider.client_id_param if isinstance(self.provider, OAuth2Provider) else "client_id"
        return self.settings.get(word) or self.settings["client_id"]

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
        try:
            return self.make_kit()
        except AuthkitError:
            pass
        waiting("a registration", "test_the_provider_can_be_registered")

    @property
    def client(self) -> ProviderClient:
        """What speaks to the provider."""
        return self.kit.clients[self.name]

    def turn(self, switch: str, value: str) -> None:
        """Turn a switch of the emulator, if it has it."""
        with suppress(ValueError):
            self.emulator.workbench.switches.turn(switch, value)

    def disturb(self, fault: str) -> None:
        """Add a fault to the emulator, such as ``token:reset``; skip if it has no such endpoint."""
        try:
            self.emulator.workbench.faults.add(fault)
        except ValueError as exc:
            pointless(f"the emulator of {self.name} cannot do that: {exc}")

    def lacks(self, capability: str, reason: str) -> NoReturn:
        """Skip a test of something that the provider has not, or fail if its plugin says that it has to."""
        if capability in self.contract.requires:
            wrong(
                f"The test class requires {capability!r}, and {reason}.",
                why="whoever wrote `requires` wants to hear of it when a capability gets lost",
                fix=f"give the provider (and the emulator) what it lacks, or take {capability!r} out of `requires`",
            )
        pointless(f"no {capability}: {reason}")

    # What is done

    def begin(self, name: str = "", kit: AuthKit | None = None, **options: Any) -> Attempt:
        """Begin a login. Whatever the provider raises comes out; the core turns it into an `AuthkitError`."""
        name, kit = name or self.name, kit or self.kit
        drawn_before = len(self._random)
        redirect = kit.begin(name, **options)
        # The core draws the state first and the verifier second (authkit/transactions.py).
        state, verifier = (
            pkce.new_verifier(lambda _, drawn=drawn: drawn) for drawn in self._random[drawn_before:][:2]
        )
        redirect_uri = options.get("redirect_uri") or kit.registrations[name].redirect_uri
        return Attempt(name, redirect.url, state, verifier, redirect_uri, {c.name: c.value for c in redirect.cookies})

    def request(self, **options: Any) -> Attempt:
        """Begin a login that a test only looks at; skip if that is not possible."""
        try:
            return self.begin(**options)
        except AuthkitError:
            pass
        waiting("an authorization request", "test_a_login_can_begin")

    def complete(self, attempt: Attempt, query: str) -> Outcome:
        """Come back from the provider with a callback's query."""
        try:
            return Outcome(attempt, login=self.kit.complete(attempt.name, query, attempt.cookies).login)
        except Exception as exc:  # noqa: BLE001 - what comes out of a plugin is what is judged
            return Outcome(attempt, error=exc)

    def come_back(self, attempt: Attempt, **params: str) -> Outcome:
        """Come back from the provider with the good state and `params`."""
        return self.complete(attempt, urlencode({"state": attempt.state, **params}))

    def approve(self, attempt: Attempt, user: int = 0, scopes: Iterable[str] | None = None) -> str:
        """Approve a login at the provider, and return the callback's query; ValueError for an error page."""
        ticked = None if scopes is None else tuple(scopes)
        callback: str = self.emulator.approve(attempt.url, user=user, scopes=ticked)
        return urlsplit(callback).query

    def attempt(self, user: int = 0, scopes: Iterable[str] | None = None, **options: Any) -> Outcome:
        """Log in, whatever comes of it."""
        attempt = self.request(**options)
        try:
            query = self.approve(attempt, user, scopes)
        except ValueError as exc:
            return Outcome(attempt, page=str(exc))
        return self.complete(attempt, query)

    def sign_in(self, user: int = 0, **options: Any) -> Login:
        """Log in; skip the test if that does not work, since another one names the reason."""
        outcome = self.attempt(user, **options)
        return outcome.login or waiting("a login", "test_a_login_succeeds")

    def refreshable(self) -> Token:
        """Log in and return a token that can be refreshed; skip if the provider gives none."""
        token = self.sign_in().token
        if not token.refresh_token:
            self.lacks("refresh", f"{self.name} gave no refresh token")
        return token

    def told(self, call: Callable[[], Any]) -> Any:
        """Return what `call` returns, or the exception that came out."""
        try:
            return call()
        except Exception as exc:  # noqa: BLE001 - as above
            return exc

    def sent(self, endpoint: str) -> Sent:
        """Return the first request to an endpoint; skip the test if there is none."""
        found = self.wire.to(endpoint)
        return found[0] if found else waiting(f"a request to the {endpoint} endpoint", "test_a_login_succeeds")

    def _draw(self, length: int) -> bytes:
        self._random.append(token_bytes(length))
        return self._random[-1]
