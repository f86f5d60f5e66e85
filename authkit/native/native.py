"""Native sign-in: an app on a phone hands in what it got, and gets a token of ours and the user."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from sqlalchemy.exc import SQLAlchemyError

from authkit.accounts import Account, Accounts, SqlClaims
from authkit.accounts.database import Transactor
from authkit.accounts.failures import failures_as_ours
from authkit.accounts.unkept import revoke_unless_kept
from authkit.cookies import Cookie
from authkit.errors import (
    AccountDenied,
    AccountDisabled,
    AuthkitError,
    InvalidRequest,
    NothingSent,
    StateInvalid,
    StoreUnavailable,
    TicketInvalid,
    TokenInvalid,
)
from authkit.flow import AuthKit, Cookies, Redirect
from authkit.models import Login, Secret
from authkit.native.answers import user_json
from authkit.native.apps import NativeApp, asking_prompt, callback_of, find_app
from authkit.native.configuration import NativeConfiguration
from authkit.native.jwts import Bearer, Jwts
from authkit.native.sessions import NativeSessions, Renewed
from authkit.native.tickets import Tickets, check_challenge
from authkit.native.values import Begun, Connected, Returned

__all__ = ["Native"]

PURPOSE = "native"
MAX_APP_STATE = 512
MAX_CODE_VERIFIER = 128
MAX_ACCESS_TOKEN = 8192


class Native:
    """Signs people in to native apps.

    Args:
        kit: speaks to the providers.
        accounts: who signs in.
        database: where sessions are, and which tickets were used: a `Database`, or the app's own transaction, if
            `accounts` works in it. A session begins in it, as the account may have; all else does not depend on it.
        configuration: the apps and the signing keys.
    """

    def __init__(
        self, kit: AuthKit, accounts: Accounts, database: Transactor, configuration: NativeConfiguration
    ) -> None:
        settings = kit.parts["native"]
        self._kit = kit
        self._accounts = accounts
        self._apps = configuration.apps
        self._keys = configuration.keys
        self._accepts_access_tokens: bool = settings["accept_access_tokens"]
        self._checks_accounts: bool = settings["check_accounts"]
        self._has_pseudo_email: bool = settings["pseudo_email"]
        self._database = database
        self._lifetime: int = settings["refresh_lifetime"]
        self.sessions = NativeSessions(kit, database.own, self._lifetime)
        self.jwts = Jwts(
            configuration.keys,
            issuer=settings["issuer"] or kit.site.base_url,
            audience=settings["audience"] or kit.site.base_url,
            lifetime=settings["lifetime"],
            clock=kit.clock,
            random=kit.random,
        )

    @cached_property
    def _tickets(self) -> Tickets:
        """What few requests need, and takes a key to be derived."""
        return Tickets(self._kit, SqlClaims(self._database.own, self._kit.clock))

    def begin(self, registration: str, *, app: str, challenge: str, state: str, cookies: Cookies) -> Redirect:
        """Begin a login of an app in the system browser (RFC 8252, section 6).

        Args:
            registration: the registration.
            app: the name of the app.
            challenge: the S256 challenge of the app's own verifier; "" only for an app whose link carries the
                provider's token.
            state: the app's own state; it comes back with the link.
            cookies: the request's cookies.

        Raises:
            InvalidRequest: the app is unknown, or its challenge or state is malformed; or any app can claim its
                link, and the provider cannot be made to ask the user.
            UnknownProvider: there is no such registration.
        """
        known = find_app(self._apps, app)
        if challenge or not known.carries_access_token:
            check_challenge(challenge)
        if len(state) > MAX_APP_STATE or not state.isascii() or not state.isprintable():
            raise InvalidRequest("the app's state is too long, or has characters that no state needs")
        return self._kit.begin(
            registration,
            cookies=cookies,
            purpose=PURPOSE,
            bound=Begun(app, challenge, state).to_text(),
            redirect_uri=callback_of(self._kit, registration),
            prompt=self._asking(registration, known) if known.has_private_link else None,
        )

    def complete(self, registration: str, query: str, cookies: Cookies) -> Returned:
        """Complete a login in the system browser, and sign the person in.

        Raises:
            StateInvalid: no app began a login with this state in this browser. All else that fails goes to the app.
        """
        jar: dict[str, str] = dict(cookies)  # type: ignore[arg-type]  # a Cookie unpacks as name and value
        if self._kit.purpose_of(query, jar) != PURPOSE:
            raise StateInvalid("no app began a login with this state in this browser", registration=registration)
        bound = self._kit.bound_of(query, jar)
        begun = Begun.from_text(bound)
        app = find_app(self._apps, begun.app)
        own = {"state": begun.state} if begun.state else {}
        cleared: tuple[Cookie, ...] = ()
        try:
            completed = self._kit.complete(registration, query, jar, purpose=PURPOSE, bound=bound)
            cleared = completed.cookies
            with failures_as_ours():
                carried = self._carried(app, begun, completed.login)
        except AuthkitError as error:
            error.registration = registration
            link = app.link_with(error=error.code, error_description=error.message, **own)
            return Returned(link, None, error, cleared or error.cookies)
        return Returned(app.link_with(**carried, **own), completed.login, None, cleared)

    def connect(self, registration: str, sent: Mapping[str, str]) -> Connected:
        """Sign a person in with what an app hands in, and return the answer.

        Args:
            registration: the registration.
            sent: ``ticket`` and ``verifier``; or ``code``, ``code_verifier``, ``redirect_uri``, and the ``iss`` that
                came with the code, if one did; or ``access_token``, where that is allowed.

        Raises:
            InvalidRequest: it is none of these, more than one, or malformed.
            AuthkitError: the sign-in was refused.
        """
        kinds = [kind for kind in ("ticket", "code", "access_token") if kind in sent]
        if len(kinds) != 1:
            raise NothingSent("one of ticket, code and access_token must be sent, and one only")
        if not all(value.isascii() and value.isprintable() for value in sent.values()):
            raise InvalidRequest("what was sent has characters that none of it has")
        with failures_as_ours():
            if kinds == ["ticket"]:
                return Connected(self._connect_ticket(registration, sent), None)
            app, login = (self._code_login if kinds == ["code"] else self._token_login)(registration, sent)
            account = self._sign_in(login, keeps_token=kinds == ["code"])
            return Connected(self._answer(account, app, login.registration), login)

    def renew(self, refresh_token: str) -> Mapping[str, object]:
        """Return the answer's JSON for a refresh token: a fresh token of ours, and the next refresh token.

        Raises:
            TokenInvalid: see `NativeSessions.renew`.
        """
        return self._tokens(self.sessions.renew(refresh_token))

    def public_keys(self) -> Mapping[str, object]:
        """Return the public keys that verify our tokens, as a JSON Web Key set."""
        return self._keys.public()

    def bearer(self, text: str) -> Bearer:
        """Return what a token of ours says, with a look at its account where the settings ask for one.

        Raises:
            TokenInvalid: it is of no use.
        """
        bearer = self.jwts.verify(text)
        if self._checks_accounts:
            account = self._accounts.get(bearer.account_id)
            if account is None or account.is_disabled:
                raise TokenInvalid("the account is disabled, or gone")
        return bearer

    def _connect_ticket(self, registration: str, sent: Mapping[str, str]) -> Mapping[str, object]:
        ticket = self._tickets.redeem(sent["ticket"], sent.get("verifier", ""), registration)
        account = self._accounts.get(ticket.account_id)
        if account is None:
            raise TicketInvalid("the account is gone")
        if account.is_disabled:
            raise AccountDisabled("the account is disabled", registration=registration)
        return self._answer(account, ticket.app, registration)

    def _code_login(self, registration: str, sent: Mapping[str, str]) -> tuple[str, Login]:
        """Return the app and the login of a code that the provider's kit for apps has got."""
        redirect_uri, verifier = sent.get("redirect_uri", ""), sent.get("code_verifier", "")
        apps = [app.name for app in self._apps.values() if redirect_uri in app.redirect_uris]
        if not apps:
            raise InvalidRequest("the redirect_uri is on no app's list")
        if not 0 < len(verifier) <= MAX_CODE_VERIFIER:
            raise InvalidRequest("the code_verifier is missing or malformed")
        issuer = sent.get("iss")
        return apps[0], self._kit.exchange(registration, sent["code"], Secret(verifier), redirect_uri, issuer=issuer)

    def _token_login(self, registration: str, sent: Mapping[str, str]) -> tuple[str, Login]:
        """Return the login of whoever an access token of the provider belongs to, where that is allowed."""
        if not self._accepts_access_tokens:
            raise InvalidRequest("access tokens are not accepted here: authkit.native.accept_access_tokens")
        if not 0 < len(sent["access_token"]) <= MAX_ACCESS_TOKEN:
            raise InvalidRequest("the access_token is empty or too long")
        return "", self._kit.login_with(registration, Secret(sent["access_token"]))

    def _carried(self, app: NativeApp, begun: Begun, login: Login) -> Mapping[str, str]:
        """Sign the person in, and return what the link carries."""
        account = self._sign_in(login, keeps_token=True)
        if app.carries_access_token:
            return {"access_token": login.token.access_token.reveal()}
        return {"ticket": self._tickets.issue(account.id, app.name, login.registration, begun.challenge)}

    def _sign_in(self, login: Login, *, keeps_token: bool) -> Account:
        """Return the account of a login. Our token of a stranger of whom nothing is stored is revoked."""
        try:
            return self._accounts.sign_in(login, keeps_token=keeps_token).account
        except (AccountDenied, StoreUnavailable, SQLAlchemyError):
            if keeps_token:
                revoke_unless_kept(self._kit, self._database.own, login)
            raise

    def _answer(self, account: Account, app: str, registration: str) -> Mapping[str, object]:
        known = self._accounts.identities(account.id)
        if not known:
            raise TokenInvalid("the account has no way to sign in any more")
        used_last = max(known, key=lambda one: (one.registration == registration, one.last_login_at))
        renewed = NativeSessions(self._kit, self._database, self._lifetime).start(account.id, app, registration)
        user = user_json(account, used_last, pseudo_email=self._has_pseudo_email)
        return {**self._tokens(renewed), "user": user}

    def _tokens(self, renewed: Renewed) -> Mapping[str, object]:
        return {
            "jwt": self.jwts.issue(renewed.session.account_id, renewed.session.id),
            "expires_in": self.jwts.lifetime,
            "refresh_token": renewed.refresh_token.reveal(),
        }

    def _asking(self, registration: str, app: NativeApp) -> str | None:
        """Return the prompt with which the user sees a login that any app can begin (RFC 8252, section 8.6)."""
        known = self._kit.registrations.get(registration)
        if known is None:
            return None
        prompt, title = asking_prompt(known), known.provider.title
        if prompt is None:
            raise InvalidRequest(
                f"any app can claim the link of {app.name}, and {title} cannot be made to ask the user",
                registration=registration,
            )
        return prompt
