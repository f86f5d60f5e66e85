"""The ways in which a login fails, each brought about for real: at the provider, on the way, or in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from webtest import TestResponse

from authkit.emulator import WsgiTransport
from authkit.models import Secret
from authkit.provider import OAuth2Provider
from authkit.pyramid.config import KIT
from authkit.settings import connected
from authkit.testing.apps import registry_of
from authkit.testing.attempts import Attempt

__all__ = ["FAILURES", "provoke"]


def provoke(attempt: Attempt, code: str) -> TestResponse:
    """Let a login fail with `code`, and return the app's answer.

    Raises:
        ValueError: no login can fail so, or none of this registration; the message says what is possible.
    """
    if code not in FAILURES:
        raise ValueError(f"no login is made to fail with {code!r}; possible are: {', '.join(FAILURES)}")
    return FAILURES[code](attempt)


def _deny(attempt: Attempt) -> TestResponse:
    return attempt.arrive(attempt.emulator.deny(attempt.authorize_url()))


def _leave_it_to_the_app(attempt: Attempt) -> TestResponse:
    """Sign in as usual: whom the app refuses, and why, only the app knows."""
    return attempt.arrive(attempt.approve())


def _start_elsewhere(attempt: Attempt) -> TestResponse:
    """Start as a picture on another site would, which no browser takes for a click."""
    sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    return attempt.start(sent)


def _grant_nothing(attempt: Attempt) -> TestResponse:
    registration = attempt.emulation.kit.registrations[attempt.name]
    is_needed = isinstance(registration.provider, OAuth2Provider) and registration.basic_scope
    if not registration.required_scope and not is_needed:
        raise ValueError(
            f"a login with {attempt.name!r} needs no scope, so none can be missing: set authkit.{attempt.name}."
            "required_scope"
        )
    return attempt.arrive(attempt.approve(scopes=()))


def _with_wrong_secret(attempt: Attempt) -> TestResponse:
    """Come back to an app whose client secret is not the one that the provider knows."""
    kit, name = attempt.emulation.kit, attempt.name
    registration = kit.registrations[name]
    if not registration.client_secret or getattr(registration.provider, "private_key", None):
        raise ValueError(f"the client of {name!r} proves itself without a secret, so that none can be wrong")
    wrong = replace(registration, client_secret=Secret("not-the-secret-that-the-provider-knows"))
    callback_url, registry = attempt.approve(), registry_of(attempt.browser)
    registrations = MappingProxyType({**kit.registrations, name: wrong})
    registry[KIT] = connected(replace(kit, registrations=registrations), {name: WsgiTransport(attempt.emulator)})
    try:
        return attempt.arrive(callback_url)
    finally:
        registry[KIT] = kit


def _changed(**changes: str | None) -> Callable[[Attempt], TestResponse]:
    """Return what comes back with another query; None takes a parameter away."""

    def come_back(attempt: Attempt) -> TestResponse:
        address = urlsplit(attempt.approve())
        query = {**dict(parse_qsl(address.query)), **changes}
        sent = urlencode({name: value for name, value in query.items() if value is not None})
        return attempt.arrive(address._replace(query=sent).geturl())

    return come_back


def _faulty(kind: str) -> Callable[[Attempt], TestResponse]:
    """Return what comes back while something goes wrong at the token endpoint."""

    def come_back(attempt: Attempt) -> TestResponse:
        callback_url = attempt.approve()
        with _fault(attempt, f"token:{kind}:always"):
            return attempt.arrive(callback_url)

    return come_back


@contextmanager
def _fault(attempt: Attempt, text: str) -> Iterator[None]:
    faults = attempt.emulator.workbench.faults
    try:
        faults.add(text)
    except ValueError as exc:
        raise ValueError(f"the emulator of {attempt.name!r} does not take the fault {text}: {exc}") from None
    try:
        yield
    finally:
        faults.remove(text)


FAILURES: Mapping[str, Callable[[Attempt], TestResponse]] = {
    "access_denied": _deny,
    "account_conflict": _leave_it_to_the_app,
    "account_denied": _leave_it_to_the_app,
    "cross_site": _start_elsewhere,
    "invalid_request": _changed(code=None),
    "issuer_mismatch": _changed(iss="https://somebody-else.example"),
    "link_required": _leave_it_to_the_app,
    "provider_misconfigured": _with_wrong_secret,
    "provider_protocol": _faulty("html"),
    "provider_rate_limited": _faulty("429"),
    "provider_rejected": _changed(code="not-a-code-that-the-provider-gave"),
    "provider_unavailable": _faulty("reset"),
    "scope_missing": _grant_nothing,
    "state_invalid": _changed(state="not-a-state-that-this-browser-knows"),
    "store_unavailable": _leave_it_to_the_app,
}
"""How a login fails, by the code of the error."""
