"""Signing in to an app in a test, in one line: through the real flow, without a socket, and without a patch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webtest import TestApp, TestResponse

from authkit.testing.attempts import FIELDS, Attempt, Person
from authkit.testing.audit import AuditLine, listening
from authkit.testing.emulation import emulation_of
from authkit.testing.failures import provoke

__all__ = ["login_as", "login_fails"]


def login_as(  # noqa: PLR0913 - what a test does not care for is left out
    browser: TestApp,
    name: str,
    *,
    subject: str | None = None,
    display_name: str | None = None,
    username: str | None = None,
    avatar_url: str | None = None,
    email: str | None = None,
    email_verified: bool = False,
    union_id: str | None = None,
    user: int | str | None = None,
    scopes: Sequence[str] | None = None,
    return_to: str = "/",
) -> TestResponse:
    """Sign in with the registration `name`, through the real flow: start, consent at an emulator, callback.

    The app is the developer's own, unmodified, with whatever settings it has. Nothing leaves the process. A TestApp
    is a browser: whoever signs in stays signed in, and its scheme and host become those of ``authkit.base_url``.

    Args:
        browser: a TestApp of the app.
        name: the registration.
        subject: the user's id at the provider. Left out, it is made of the rest of the profile; where nothing is said
            at all, the first account of the emulator signs in.
        display_name: the name to show.
        username: the handle.
        avatar_url: a picture.
        email: an address.
        email_verified: whether the provider says that the address is verified.
        union_id: a second id.
        user: an account that the emulator has already, instead of a profile: its place, subject or username.
        scopes: what is granted; None for all that is asked for.
        return_to: where to go afterwards.

    Returns:
        the answer to the callback, such as the redirect to `return_to`.

    Raises:
        AssertionError: the login failed, and the message has the code and the reason; or what was said of the user
            did not arrive.
        ValueError: the provider cannot say that of anybody; the message names the field.
        LookupError: there is no such registration, or no Pyramid app with authkit behind `browser`.
        ConfigError: the registration's provider cannot be emulated.

    Example::

        browser = TestApp(main({}, **authkit_settings))
        login_as(browser, "tiktok", display_name="Ada")
        assert "Hello, Ada" in browser.get("/")
    """
    __tracebackhide__ = True
    said = _said(subject, display_name, username, avatar_url, email, union_id)
    person = Person.of(user, said, email_verified=email_verified)
    attempt = Attempt(browser, emulation_of(browser), name, person, return_to)
    with listening() as lines:
        response = attempt.arrive(attempt.approve(scopes))
    if not any(_is_login(line, name) for line in lines):
        raise AssertionError(f"the login with {name!r} failed: {_told(lines)}. The app answered {response.status}")
    otherwise = person.lacks(attempt.emulation.witnesses[name].profile)
    if otherwise and scopes is None:
        asked = " ".join(attempt.emulation.kit.registrations[name].scope)
        raise AssertionError(
            f"the provider told the app otherwise: {otherwise}. Does it take another scope? authkit.{name}.scope "
            f"asks for: {asked or 'none'}"
        )
    return response


def login_fails(  # noqa: PLR0913 - as above
    browser: TestApp,
    name: str,
    code: str,
    *,
    subject: str | None = None,
    display_name: str | None = None,
    username: str | None = None,
    avatar_url: str | None = None,
    email: str | None = None,
    email_verified: bool = False,
    union_id: str | None = None,
    user: int | str | None = None,
    return_to: str = "/",
) -> TestResponse:
    """Sign in with the registration `name`, and fail with `code` for a real reason.

    What happens at the provider, on the way or in the browser is brought about. With ``account_conflict``,
    ``account_denied``, ``link_required`` and ``store_unavailable`` it is the app that refuses a login that is as it
    should be.

    Args:
        browser: a TestApp of the app.
        name: the registration.
        code: the code of the error, one of those in `authkit.testing.failures.FAILURES`.
        subject: who tries, as in `login_as`; so are the other fields of the profile, and `user`.
        display_name: see `login_as`.
        username: see `login_as`.
        avatar_url: see `login_as`.
        email: see `login_as`.
        email_verified: see `login_as`.
        union_id: see `login_as`.
        user: see `login_as`.
        return_to: where they wanted to go afterwards.

    Returns:
        what the app answers: its page, its JSON, or the redirect to its login page.

    Raises:
        AssertionError: the login succeeded, or failed in another way.
        ValueError: no login can be made to fail so, or none of this registration; the message says what is possible.
        LookupError: there is no such registration, or no Pyramid app with authkit behind `browser`.
        ConfigError: the registration's provider cannot be emulated.
    """
    __tracebackhide__ = True
    said = _said(subject, display_name, username, avatar_url, email, union_id)
    person = Person.of(user, said, email_verified=email_verified)
    attempt = Attempt(browser, emulation_of(browser), name, person, return_to)
    with listening() as lines:
        response = provoke(attempt, code)
    if [line.code for line in lines] != [code]:
        raise AssertionError(
            f"the login with {name!r} did not fail with {code!r}: {_told(lines)}. The app answered {response.status}"
        )
    return response


def _said(*values: str | None) -> Mapping[str, str | None]:
    return dict(zip(FIELDS, values, strict=True))


def _is_login(line: AuditLine, name: str) -> bool:
    return (line.outcome, line.registration, line.purpose, line.event) == ("success", name, "", "")


def _told(lines: Sequence[AuditLine]) -> str:
    """Return what the audit lines say came of a login."""
    if not lines:
        return (
            "no audit line was written. Is a route where redirect_uri says, and is logging not disabled altogether?"
        )
    told = (
        f"{line.identity} signed in"
        if line.outcome == "success"
        else f"{line.code}, since {line.reason or 'so it is'}"
        for line in lines
    )
    return "; ".join(told)
