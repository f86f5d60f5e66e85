"""AuthKit: begin a login, complete it, refresh and revoke its token. The way of a login reads from top to bottom."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from authkit.audit import write_failure, write_success
from authkit.breaker import Breaker
from authkit.clock import utc_now
from authkit.cookies import Cookie
from authkit.deadline import Deadline
from authkit.errors import (
    AuthkitError,
    ProviderProtocolError,
    ScopeMissing,
    UnknownProvider,
)
from authkit.models import Identity, Login, Profile, Secret, Token
from authkit.plugins import Plugins
from authkit.providerclient import AuthorizationRequest, AuthorizationResponse, EndsSessions, ProviderClient
from authkit.query import each_once, parse_query, the_state
from authkit.registration import Registration
from authkit.replies import guarded
from authkit.seal import Sealer
from authkit.site import Site
from authkit.transactions import ClaimStore, Transaction, Transactions, local_path
from authkit.urls import check_url

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

__all__ = ["AuthKit", "Completed", "Cookies", "Redirect"]

T = TypeVar("T")

Cookies: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]] | Iterable[Cookie]
"""The cookies of a request: a mapping, or pairs of name and value."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to send the browser, and the cookies to set on the way.

    The address holds the state, and nothing else that is secret.
    """

    url: str = field(repr=False)
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """A login that is complete, and the cookies to clear."""

    login: Login
    cookies: tuple[Cookie, ...]


@dataclass(frozen=True, slots=True)
class AuthKit:
    """Logs people in with the registered providers. One object serves the whole process; nothing in it changes.

    Attributes:
        site: where the app lives.
        registrations: the registrations, by name, in the order of the settings.
        plugins: the loaded plugins, for their observers.
        transactions: begins and claims transactions.
        clients: what speaks to the provider of each registration, by the registration's name.
        breakers: what refuses to ask a provider that does not answer, by the registration's name.
        secrets: the app's secrets, newest first, for what an adapter signs.
        sealers: what seals, by purpose: ``transaction``, ``csrf``, ``ticket``, and ``vault`` for stored tokens.
        parts: the settings of the optional parts, by part and key, such as ``parts["accounts"]["database"]``.
        clock: the time, in seconds since the epoch.
        random: returns as many random bytes as it is asked for.
    """

    site: Site
    registrations: Mapping[str, Registration]
    plugins: Plugins
    transactions: Transactions
    clients: Mapping[str, ProviderClient]
    breakers: Mapping[str, Breaker] = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    sealers: Mapping[str, Sealer] = field(repr=False)
    parts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    clock: Callable[[], float]
    random: Callable[[int], bytes]

    @classmethod
    def from_settings(
        cls,
        mapping: Mapping[str, object],
        transport: BaseAdapter | None = None,
        clock: Callable[[], float] | None = None,
        random: Callable[[int], bytes] | None = None,
        *,
        plugins: Plugins | None = None,
        claims: ClaimStore | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> AuthKit:
        """Build the kit from settings.

        Args:
            mapping: flat settings with keys such as ``authkit.tiktok.client_key``; other keys are left alone.
            transport: an adapter of requests that reaches the providers, such as an emulator's; None for the
                network.
            clock: the time in seconds since the epoch, ``time.time`` if None.
            random: returns as many random bytes as it is asked for, ``secrets.token_bytes`` if None.
            plugins: the plugins, if not the installed ones.
            claims: where used transactions are remembered, in the process's memory if None.
            environ: the environment, ``os.environ`` if None; the mapping wins over it.

        Raises:
            ConfigError: a setting is missing, unknown or malformed; the reason names the key and the fix.
        """
        from authkit.settings import build

        return build(
            mapping,
            os.environ if environ is None else environ,
            transport=transport,
            clock=clock or time.time,
            random=random or secrets.token_bytes,
            plugins=plugins,
            claims=claims,
        )

    def begin(
        self,
        name: str,
        *,
        cookies: Cookies = (),
        return_to: str | None = "/",
        purpose: str = "login",
        bound: str = "",
        scope: Sequence[str] | None = None,
        prompt: str | None = None,
        redirect_uri: str | None = None,
    ) -> Redirect:
        """Begin a login.

        Args:
            name: the registration.
            cookies: the request's cookies, so that old transactions can be dropped.
            return_to: the local path to go to afterwards; the app's start page if it is None or no local path.
            purpose: what the login is for; `complete` has to name the same.
            bound: a value that `complete` has to name again, such as the account that is signed in.
            scope: what to ask for besides the registration's own scope, such as ``login.missing_scopes``.
            prompt: how the provider shall ask, such as ``consent``; only what the provider's `prompts` name.
            redirect_uri: where the provider sends the browser back to, if not to the registration's own: a native
                app's callback, or a loopback address.

        Never pass on the visitor's own words as `scope` or `prompt`.

        Returns:
            where to send the browser, and the cookies to set.

        Raises:
            UnknownProvider: there is no such registration.
            ProviderProtocolError: the plugin failed.
            ValueError: the provider does not know the `prompt`.
        """
        registration = self._registration(name)
        requested = registration.scope_with(scope or ())
        known_prompt = registration.known_prompt(prompt)
        state, transaction, to_set = self.transactions.begin(
            registration=name,
            redirect_uri=redirect_uri or registration.redirect_uri,
            scope=requested,
            return_to=local_path(return_to, self.site.home),
            purpose=purpose,
            bound=bound,
            cookies=_jar(cookies),
        )
        request = AuthorizationRequest(
            client_id=registration.client_id,
            redirect_uri=transaction.redirect_uri,
            scope=requested,
            state=state,
            code_verifier=transaction.code_verifier,
            prompt=known_prompt,
        )
        with self._asking(name) as client:
            url = _answer(str, lambda: client.authorization_url(request))
            guarded(lambda: check_url(url))  # whatever a plugin makes must be fit for a header
            return Redirect(url, to_set)

    def complete(
        self, name: str, query: str, cookies: Cookies, *, purpose: str = "login", bound: str = ""
    ) -> Completed:
        """Complete a login from the callback's raw query and cookies.

        The transaction is claimed before anything else is read, so that a callback counts once, whatever it says.
        All that the provider is asked takes 15 seconds at most.

        Raises:
            AuthkitError: the login failed; ``cookies`` of the error are to be set as well.
        """
        registration = self._registration(name)
        cleared: tuple[Cookie, ...] = ()
        try:
            params = parse_query(query)
            transaction, cookie = self.transactions.claim(
                the_state(params), _jar(cookies), registration=name, purpose=purpose, bound=bound
            )
            cleared = (cookie,)
            return Completed(self._exchange(registration, transaction, params), cleared)
        except AuthkitError as error:
            error.registration = name
            error.cookies = error.cookies or cleared
            raise

    def purpose_of(self, query: str, cookies: Cookies) -> str:
        """Return what the login that a callback belongs to was begun for, "" if it belongs to none in this browser.

        Nothing is claimed and nothing is proved by it: an adapter reads it to choose the arguments of `complete`.
        """
        return self._begun(query, cookies)[0]

    def bound_of(self, query: str, cookies: Cookies) -> str:
        """Return what the login that a callback belongs to is bound to, "" for nothing; otherwise as `purpose_of`."""
        return self._begun(query, cookies)[1]

    def exchange(
        self, name: str, code: str, code_verifier: Secret, redirect_uri: str, *, issuer: str | None = None
    ) -> Login:
        """Complete a login that an app began by itself, with the provider's own kit for apps.

        State was the app's to check. What binds the code to the app is the verifier, where the provider looks at it,
        and the redirect URI, which has to be one that only the app receives.

        Args:
            name: the registration.
            code: the authorization code that the app received.
            code_verifier: the PKCE verifier of its authorization request.
            redirect_uri: the redirect URI of that request, which the caller has found on the app's allow-list.
            issuer: the ``iss`` that came with the code (RFC 9207), None if none did.

        Raises:
            AuthkitError: the login failed.
        """
        registration = self._registration(name)
        transaction = Transaction(
            name, redirect_uri, registration.scope, self.site.home, "native", "", code_verifier, int(self.clock())
        )
        params = {"code": [code]} if issuer is None else {"code": [code], "iss": [issuer]}
        try:
            return self._exchange(registration, transaction, params)
        except AuthkitError as error:
            error.registration = name
            raise

    def login_with(self, name: str, access_token: Secret) -> Login:
        """Return the login of whoever an access token belongs to.

        That proves that the token is the provider's, and neither to whom it was issued nor that its owner is here:
        whoever got hold of a token, an app of somebody else included, can hand it in (RFC 6749, section 10.16).

        Raises:
            AuthkitError: the provider refuses the token, or cannot be asked.
        """
        registration = self._registration(name)
        scope = registration.basic_scope or registration.provider.default_scope
        token = Token(access_token, scope=scope)
        with self._asking(name) as client:
            profile = _profile_of(client, token)
        return self._login(registration, token, profile, registration.scope, self.site.home)

    def now(self) -> datetime:
        """Return the time, as it is kept: in UTC, in whole seconds."""
        return utc_now(self.clock)

    def warm_up(self) -> None:
        """Import and make now what otherwise comes with the first login of the process.

        That is for a server that forks, whose workers share what their parent has; and for one whose first visitor
        shall not wait for it. No provider is asked.
        """
        tuple(self.clients.values())
        for sealer in self.sealers.values():
            sealer.warm_up()

    def with_claims(self, claims: ClaimStore) -> AuthKit:
        """Return this kit with another store of claims, such as one that all servers share."""
        return replace(self, transactions=self.transactions.claimed_in(claims))

    def refresh(self, name: str, token: Token) -> Token:
        """Return a fresh token for `token`. Store it at once: the provider may have ended the old one.

        Raises:
            ReauthRequired: the token is of no use any more; the user has to sign in again.
            ProviderUnavailable: it may be worth trying again; the old token may still be good.
        """
        with self._asking(name, is_patient=True) as client:  # to hang up could lose the token that it has made
            return _answer(Token, lambda: client.refresh(token))

    def revoke(self, name: str, token: Token) -> bool:
        """End `token` at the provider; False when the provider has no way to.

        Raises:
            ReauthRequired: there is nothing to end, says the provider: the token is none any more.
            AuthkitError: the token is to be taken as alive; try again (RFC 7009, section 2.2.1).
        """
        with self._asking(name) as client:
            return _answer(bool, lambda: client.revoke(token))

    def logout_url(self, name: str, id_token: Secret | None = None) -> str:
        """Return where to send the browser of somebody who signs out, to be signed out at the provider as well.

        The provider sends the browser back to the app's start page, whose absolute URL it must have registered
        (OpenID Connect RP-Initiated Logout 1.0, section 3).

        Args:
            name: the registration.
            id_token: the ID token of the login that ends, ``login.token.id_token``; without it, some ask the user.

        Returns:
            the address; "" where the provider has none.

        Raises:
            UnknownProvider: there is no such registration.
            ProviderUnavailable: the provider, whose metadata has the address, cannot be asked.
        """
        with self._asking(name) as client:
            if not isinstance(client, EndsSessions):
                return ""
            url = _answer(str, lambda: client.logout_url(id_token, self.site.local_url(self.site.home)))
            if url:
                guarded(lambda: check_url(url))
            return url

    def succeeded(self, login: Login) -> None:
        """Write the audit line of a login that succeeded, and tell the observers. An adapter calls it."""
        provider = self.registrations[login.registration].provider.name
        identity = {"identity": login.identity.key}
        write_success(provider, login.registration, login.correlation_id, identity)
        self.plugins.login_succeeded(login)

    def failed(self, error: AuthkitError) -> None:
        """Write the audit line of a login that failed, and tell the observers. An adapter calls it."""
        write_failure(error, self.registrations.get(error.registration), {"log_id": error.log_id or "-"})
        self.plugins.login_failed(error)

    def _registration(self, name: str) -> Registration:
        try:
            return self.registrations[name]
        except KeyError:
            pass
        raise UnknownProvider(f"no registration is named {name!r}")

    def _begun(self, query: str, cookies: Cookies) -> tuple[str, str]:
        try:
            return self.transactions.begun(the_state(parse_query(query)), _jar(cookies))
        except AuthkitError:
            return "", ""

    def _exchange(
        self, registration: Registration, transaction: Transaction, params: Mapping[str, list[str]]
    ) -> Login:
        """Exchange the code, fetch the profile, and put the login together."""
        response = AuthorizationResponse(
            params=each_once(params),
            redirect_uri=transaction.redirect_uri,
            scope=transaction.scope,
            code_verifier=transaction.code_verifier,
        )
        with self._asking(registration.name) as client:
            token = _answer(Token, lambda: client.exchange(response))
            lacking = [scope for scope in registration.required_scope if scope not in token.scope]
            if lacking:
                raise ScopeMissing(f"not granted, but required: {' '.join(lacking)}")
            # More may have been granted than was asked for; what was not asked for is not used.
            usable = tuple(scope for scope in token.scope if scope in transaction.scope)
            profile = _profile_of(client, replace(token, scope=usable))
        if token.subject is not None and token.subject != profile.subject:
            raise ProviderProtocolError("the token and the user info name different users")
        return self._login(registration, token, profile, transaction.scope, transaction.return_to)

    @staticmethod
    def _login(
        registration: Registration, token: Token, profile: Profile, requested: Sequence[str], return_to: str
    ) -> Login:
        return Login(
            registration=registration.name,
            identity=Identity(registration.authority, registration.client_id, profile.subject),
            profile=profile,
            token=token,
            granted_scopes=token.scope,
            missing_scopes=tuple(scope for scope in requested if scope not in token.scope),
            return_to=return_to,
            correlation_id=secrets.token_hex(8),
        )

    @contextmanager
    def _asking(self, name: str, *, is_patient: bool = False) -> Iterator[ProviderClient]:
        """Give the client of registration `name` for one operation, under one deadline, if its provider answers."""
        self._registration(name)
        client = self.clients[name]  # the first time, it is made: that is no time that the provider takes
        try:
            with self.breakers[name].operation(is_patient=is_patient) as operation, Deadline(waiting=operation):
                yield client
        except AuthkitError as error:
            error.registration = name
            raise


def _answer(kind: type[T], call: Callable[[], T]) -> T:
    """Return what a provider's client answers; anything but a `kind` or an `AuthkitError` is a protocol error."""
    answer: object = guarded(call)
    if not isinstance(answer, kind):
        raise ProviderProtocolError(f"the plugin returned a {type(answer).__name__}, not a {kind.__name__}")
    deadline = Deadline.current()
    if deadline is not None and issubclass(kind, (Token, Profile)):  # an address can be made without the provider
        deadline.heard()  # however the plugin has asked
    return answer


def _profile_of(client: ProviderClient, token: Token) -> Profile:
    """Return what the provider says of the user. Where that fails, the cause says so, for the code had been good."""
    try:
        return _answer(Profile, lambda: client.fetch_profile(token))
    except AuthkitError as error:
        error.reason = ": ".join(filter(None, ("the profile", error.reason)))
        raise


def _jar(cookies: Cookies) -> dict[str, str]:
    return dict(cookies)  # type: ignore[arg-type]  # a Cookie unpacks as name and value
