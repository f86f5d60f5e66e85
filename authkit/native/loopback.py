"""The loopback login: a program on a desktop signs its user in by the browser (RFC 8252, section 7.3)."""

from __future__ import annotations

import logging
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from authkit.cookies import Cookie
from authkit.errors import (
    AccessDenied,
    AuthkitError,
    ConfigError,
    InvalidRequest,
    MethodNotAllowed,
    StateInvalid,
    UnknownProvider,
)
from authkit.flow import AuthKit
from authkit.models import Login
from authkit.native.listener import HOST, Listener, Visit
from authkit.pages import Page, Pages
from authkit.provider import OAuth2Provider
from authkit.transactions import LIFETIME

__all__ = ["login"]

logger = logging.getLogger(__name__)

PURPOSE = "loopback"
PATH = "/callback/"
TIMEOUT = 300.0
BROWSER_SECONDS = 1.0


def login(
    kit: AuthKit,
    name: str,
    *,
    scope: Sequence[str] | None = None,
    timeout: float = TIMEOUT,
    open_browser: Callable[[str], object] | None = None,
    announce: Callable[[str], object] | None = None,
) -> Login:
    """Sign the user of this machine in, and return the login.

    The browser comes back to a port of 127.0.0.1 that is open for this one login, and so is of no other provider
    (RFC 8252, section 8.10); what does not belong to the login is answered and changes nothing. Register
    ``http://127.0.0.1:*/callback/`` at the provider, or whatever it wants for a loopback address with any port.

    Args:
        kit: speaks to the provider; `authkit.native.desktop.desktop_kit` makes one.
        name: the registration.
        scope: what to ask for besides the registration's own scope.
        timeout: how many seconds the user has, ten minutes at most.
        open_browser: opens an address in a browser, ``webbrowser.open`` if None. It is called in a thread, as some
            browsers do not return before their user is done, and its failure is no failure of the login.
        announce: is given the address first, for a user whose browser cannot be opened from here, as over SSH; if
            None, it is printed to the standard error.

    Raises:
        AccessDenied: the user did not come back in time, or said no.
        AuthkitError: the login failed.
        ConfigError: the provider takes no loopback address from this registration, or PKCE is off.
        UnknownProvider: there is no such registration.
        ValueError: `timeout` is not more than 0, or longer than a login lasts.
    """
    if not 0 < timeout <= LIFETIME:
        raise ValueError(f"the timeout must be more than 0 and at most {LIFETIME} seconds")
    with Listener() as listener:
        redirect_uri = f"http://{HOST}:{listener.port}{PATH}"
        _check(kit, name, redirect_uri)
        begun = kit.begin(name, purpose=PURPOSE, scope=scope, redirect_uri=redirect_uri)
        (announce or _announce)(begun.url)
        browser = threading.Thread(target=_open, args=(open_browser or webbrowser.open, begun.url), daemon=True)
        browser.start()
        callback = _Callback(kit, name, begun.cookies)
        for visit in listener.visits(timeout):
            visit.answer(callback.page(visit))
            if callback.outcome:
                break
        for visit in listener.waiting():  # a second callback, while the first was at work
            visit.answer(callback.page(visit))
    browser.join(BROWSER_SECONDS)
    return callback.login()


class _Callback:
    """The callback of the one login that is under way."""

    def __init__(self, kit: AuthKit, name: str, cookies: Iterable[Cookie]) -> None:
        self._kit = kit
        self._name = name
        self._cookies = tuple(cookies)
        self._query = ""
        self.outcome: Login | AuthkitError | None = None

    def page(self, visit: Visit) -> Page:
        """Return the page for a request; only the callback itself ends the wait."""
        path, _, query = visit.target.partition("?")
        if not visit.method:
            return self._refusal(InvalidRequest("no HTTP request, or one that is too long"))
        if visit.method != "GET":  # a look ahead by HEAD must not use up the login
            return self._refusal(MethodNotAllowed("GET"))
        if path != PATH:
            return self._refusal(UnknownProvider("no address of a login"))
        if self.outcome is None and self._kit.purpose_of(query, self._cookies) == PURPOSE:
            self._query, self.outcome = query, self._complete(query)
        if self.outcome and query == self._query:  # a browser that loads it again sees what it saw
            return Pages(self._kit).done(self.outcome)
        return self._refusal(StateInvalid("not the callback of this login"))

    def login(self) -> Login:
        """Return the login, or raise why there is none."""
        if self.outcome is None:
            self.outcome = self._failed(AccessDenied("nobody came back from the provider in time"))
        if isinstance(self.outcome, AuthkitError):
            raise self.outcome
        return self.outcome

    def _complete(self, query: str) -> Login | AuthkitError:
        try:
            login = self._kit.complete(self._name, query, self._cookies, purpose=PURPOSE).login
        except AuthkitError as error:
            return self._failed(error)
        self._kit.succeeded(login)
        return login

    def _failed(self, error: AuthkitError) -> AuthkitError:
        error.registration = self._name
        self._kit.failed(error)
        return error

    def _refusal(self, error: AuthkitError) -> Page:
        """Return the page for what is none of the login's; it is no failed login, so nobody is told."""
        page = Pages(self._kit).done(error)
        allowed = {"Allow": error.allowed} if isinstance(error, MethodNotAllowed) else {}
        return replace(page, headers={**page.headers, **allowed})


def _check(kit: AuthKit, name: str, redirect_uri: str) -> None:
    """Refuse what the provider would refuse, or what would leave the code unprotected, before a browser opens."""
    registration = kit.registrations.get(name)
    if registration is None or not isinstance(registration.provider, OAuth2Provider):
        return
    provider = registration.provider
    if provider.code_challenge is None:
        raise ConfigError(f"authkit.{name}.pkce: a login over the loopback address needs PKCE; RFC 8252, section 8.1")
    try:
        provider.check_redirect_uri(redirect_uri, registration.options)
    except ValueError as exc:
        problem = str(exc)
    else:
        return
    raise ConfigError(f"authkit.{name}: {provider.title} takes no {redirect_uri}: {problem}")


def _announce(url: str) -> None:
    print(f"If no browser opens, open this address in yours:\n\n  {url}\n", file=sys.stderr)  # noqa: T201 - its job


def _open(open_browser: Callable[[str], object], url: str) -> None:
    try:
        open_browser(url)
    except Exception as exc:  # noqa: BLE001 - whatever a browser does, the user has the address
        logger.warning("no browser could be opened (%s)", type(exc).__name__)
