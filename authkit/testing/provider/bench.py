"""`Bench`: an app, a browser and a provider's emulator, for one test."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authkit import AuthKit, Login, Token
from authkit.testing.provider.attempt import Attempt, Outcome
from authkit.testing.provider.setup import Setup
from authkit.testing.provider.tampering import Tamper
from authkit.testing.provider.verdicts import pointless, waiting
from authkit.testing.provider.wire import Sent

__all__ = ["Bench"]


class Bench(Setup):
    """What a test of the contract does: it begins logins, completes them, and looks at what was sent."""

    @cached_property
    def constants(self) -> Mapping[str, str]:
        """What every callback of the emulator has: its ``iss``, if it sends it (RFC 9207)."""
        if not getattr(self.emulator.workbench.switches.now, "iss", False):
            return {}
        denied = parse_qsl(urlsplit(self.emulator.deny(self.request().url)).query)
        return {name: value for name, value in denied if name == "iss"}

    def begin(self, name: str = "", kit: AuthKit | None = None, **options: Any) -> Attempt:
        """Begin a login. Whatever the provider raises comes out; the core turns it into an `AuthkitError`."""
        name, kit = name or self.name, kit or self.kit
        drawn_before = len(self.drawn)
        redirect = kit.begin(name, **options)
        # The core draws the state first and the verifier second (authkit/transactions.py).
        state, verifier = map(_as_text, self.drawn[drawn_before:][:2])
        redirect_uri = options.get("redirect_uri") or kit.registrations[name].redirect_uri
        cookies = {cookie.name: cookie.value for cookie in redirect.cookies}
        return Attempt(name, redirect.url, state, verifier, redirect_uri, cookies, self.parameters(redirect.url))

    def parameters(self, url: str) -> Sequence[tuple[str, str]]:
        """Return the parameters of an authorization URL, or those that were pushed before and that it stands for."""
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        pushed = [sent for sent in self.wire.to() if sent.is_pushed]
        if "request_uri" in dict(pairs) and pushed:
            return [(name, value) for name, value in pushed[-1].form.items() if name != "client_secret"]
        return pairs

    def request(self, **options: Any) -> Attempt:
        """Begin a login that a test only looks at; skip if that is not possible."""
        begun = self.told(lambda: self.begin(**options))
        return begun if isinstance(begun, Attempt) else waiting("an authorization request", "test_a_login_can_begin")

    def complete(self, attempt: Attempt, query: str) -> Outcome:
        """Come back from the provider with a callback's query."""
        try:
            return Outcome(attempt, login=self.kit.complete(attempt.name, query, attempt.cookies).login)
        except Exception as exc:  # noqa: BLE001 - what comes out of a plugin is what is judged
            return Outcome(attempt, error=exc)

    def come_back(self, attempt: Attempt, **params: str) -> Outcome:
        """Come back from the provider with the good state and `params`."""
        return self.complete(attempt, urlencode({"state": attempt.state, **self.constants, **params}))

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
        if user and outcome.page:
            pointless(f"the emulator has no second user: {outcome.page}")
        return outcome.login or waiting("a login", "test_a_login_succeeds")

    def refreshable(self) -> Token:
        """Log in and return a token that can be refreshed; skip if the provider gives none."""
        token = self.sign_in().token
        if not token.refresh_token:
            self.lacks("refresh", f"{self.name} gave no refresh token")
        return token

    @contextmanager
    def tampered(self, endpoint: str, tamper: Tamper) -> Iterator[None]:
        """Change the good answers of an endpoint, ``api`` for all that a token opens, for the duration of a block."""
        self.wire.tampers[endpoint] = tamper
        try:
            yield
        finally:
            del self.wire.tampers[endpoint]

    @contextmanager
    def disturbed(self, fault: str) -> Iterator[None]:
        """Have a fault, such as ``token:reset``, for the duration of a ``with`` block; skip if that cannot be."""
        faults = self.emulator.workbench.faults
        try:
            faults.add(fault)
        except ValueError as exc:
            pointless(f"the emulator of {self.name} cannot do that: {exc}")
        try:
            yield
        finally:
            faults.clear()

    def refresh(self, token: Token) -> Token | Exception:
        """Refresh a token, whatever comes of it."""
        return self.told(lambda: self.kit.refresh(self.name, token))

    def revoke(self, token: Token) -> bool | Exception:
        """Revoke a token, whatever comes of it."""
        return self.told(lambda: self.kit.revoke(self.name, token))

    def sent(self, endpoint: str) -> Sent:
        """Return the first request to an endpoint; skip the test if there is none."""
        found = self.wire.to(endpoint)
        return found[0] if found else waiting(f"a request to the {endpoint} endpoint", "test_a_login_succeeds")


def _as_text(drawn: bytes) -> str:
    return urlsafe_b64encode(drawn).rstrip(b"=").decode("ascii")
