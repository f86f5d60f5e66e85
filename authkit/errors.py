"""Every way a login can fail: one tree, told apart by what can be done about it.

Each class has a stable ``code`` (for programs, pages and logs), an HTTP ``status`` and a ``message`` for the
visitor. The ``reason`` is for the operator alone: it goes to the log, under the same ``correlation_id`` that
the page shows, and never to the browser.
"""

from __future__ import annotations

import re
import secrets
from typing import ClassVar

from authkit.cookies import Cookie
from authkit.logtext import brief, printable, redacted

__all__ = [
    "AccessDenied",
    "AccountConflict",
    "AccountDenied",
    "AccountDisabled",
    "AuthkitError",
    "ConfigError",
    "CrossSite",
    "IdentityTaken",
    "InvalidRequest",
    "IssuerMismatch",
    "LastIdentity",
    "LinkRequired",
    "MethodNotAllowed",
    "NothingSent",
    "ProviderMisconfigured",
    "ProviderProtocolError",
    "ProviderRateLimited",
    "ProviderRejected",
    "ProviderUnavailable",
    "RateLimited",
    "ReauthRequired",
    "RegistrationClosed",
    "RequestTooLarge",
    "ScopeMissing",
    "StateInvalid",
    "StoreUnavailable",
    "TicketInvalid",
    "TokenInvalid",
    "UnknownProvider",
    "UnsupportedMediaType",
    "WebhookRejected",
    "brief",
    "printable",
    "redacted",
]


class AuthkitError(Exception):
    """Base of every error of authkit.

    Args:
        reason: the cause, for the operator's log; control characters are escaped, no secret may be in it.
        registration: the registration concerned, "" when none is known.
        log_id: the provider's own id of the failed request, "" when it gave none.
        retry_after: seconds after which another try may help, None when that is unknown.

    Attributes:
        said: the provider's own sentence, "" when it gave none.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400
    message: ClassVar[str] = "Something went wrong while signing you in."

    def __init__(
        self, reason: str = "", *, registration: str = "", log_id: str = "", retry_after: int | None = None
    ) -> None:
        self.reason = printable(reason)
        self.registration = registration
        self.log_id = log_id if re.fullmatch(r"[\w.:-]{1,100}", log_id, re.ASCII) else ""
        self.retry_after = retry_after
        self.correlation_id = secrets.token_hex(8)
        self.cookies: tuple[Cookie, ...] = ()
        self.said = ""
        super().__init__(self.reason)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


class ConfigError(AuthkitError):
    """Our own configuration is missing, unknown or malformed; raised at start-up, never by a request."""

    code = "config_error"
    status = 500
    message = "This site's sign-in is not set up correctly."


# The request is not one that we can answer.


class UnknownProvider(AuthkitError):
    """No registration has this name."""

    code = "unknown_provider"
    status = 404
    message = "There is no such way to sign in here."


class InvalidRequest(AuthkitError):
    """The request is malformed: no code, a parameter twice, too long."""

    code = "invalid_request"
    status = 400
    message = "This sign-in request is not valid. Please start again."


class MethodNotAllowed(InvalidRequest):
    """The address exists, but not for this HTTP method; `allowed` is the one that it takes."""

    status = 405

    def __init__(self, allowed: str) -> None:
        super().__init__(f"only {allowed} is allowed here")
        self.allowed = allowed


class RequestTooLarge(InvalidRequest):
    """The body of the request is longer than any that we take."""

    status = 413


class UnsupportedMediaType(InvalidRequest):
    """The body is not of the type that is read here."""

    status = 415


class NothingSent(InvalidRequest):
    """A native app handed in nothing to sign in with, or more than one thing."""

    message = "Nothing to sign in with was sent: a ticket, a code or an access token, and one only."


class CrossSite(AuthkitError):
    """The browser says that another site made this request."""

    code = "cross_site"
    status = 403
    message = "This request came from another site and was refused."


class RateLimited(AuthkitError):
    """We are asked too often, or hold as many unfinished logins as we are willing to."""

    code = "rate_limited"
    status = 429
    message = "Too many sign-ins at the moment. Please try again shortly."


# The state is bad.


class StateInvalid(AuthkitError):
    """The callback belongs to no login that this browser has under way: missing, foreign, used or expired."""

    code = "state_invalid"
    status = 400
    message = "This sign-in has expired or was started in another browser. Please start again."


class IssuerMismatch(AuthkitError):
    """The answer names another authorization server than the one asked (RFC 9207)."""

    code = "issuer_mismatch"
    status = 400
    message = "The answer came from an unexpected place and was refused. Please start again."


# What an app of ours holds is bad.


class TicketInvalid(AuthkitError):
    """The ticket of a native app is none, too old or used, or is not its own."""

    code = "ticket_invalid"
    status = 401
    message = "This sign-in has expired or was started by another app. Please start again."


class TokenInvalid(AuthkitError):
    """The token of a native app is none of ours, has expired, or was ended."""

    code = "token_invalid"
    status = 401
    message = "Please sign in again."


# The user, or the app, said no.


class AccessDenied(AuthkitError):
    """The user said no at the provider."""

    code = "access_denied"
    status = 403
    message = "You did not allow the sign-in. You can try again whenever you like."


class ScopeMissing(AuthkitError):
    """The user signed in, but did not grant a scope that the app requires."""

    code = "scope_missing"
    status = 403
    message = "A permission that this site needs was not granted. Please try again and allow it."


class AccountDenied(AuthkitError):
    """The app refuses this account. A login handler raises it."""

    code = "account_denied"
    status = 403
    message = "This account cannot sign in here."


class RegistrationClosed(AccountDenied):
    """The person is a stranger, and strangers get no account here."""

    message = "New accounts cannot be made here at the moment."


class AccountDisabled(AccountDenied):
    """The account is disabled."""

    message = "This account has been blocked. Please ask whoever runs this site."


class AccountConflict(AuthkitError):
    """Somebody else is signed in, or the identity belongs to another account.

    `return_to` is the local path that the login was started from; the page that asks before it switches goes on
    there.
    """

    code = "account_conflict"
    status = 409
    message = "You are already signed in with another account."

    def __init__(self, reason: str = "", *, return_to: str | None = None) -> None:
        super().__init__(reason)
        self.return_to = return_to


class IdentityTaken(AccountConflict):
    """The identity that was to be connected belongs to another account."""

    message = "This is already connected to somebody else's account here."


class LastIdentity(AuthkitError):
    """The identity to be disconnected is the account's last way to sign in, and nobody said that it may go."""

    code = "last_identity"
    status = 409
    message = "This is the only way to sign in to your account. Without it, you could not come back."


class LinkRequired(AuthkitError):
    """The app knows this person and wants the identity linked while signed in. A login handler raises it."""

    code = "link_required"
    status = 409
    message = "Please sign in the way you did before, then connect this account."


# The provider said no, could not be reached, or answered nonsense.


class ProviderRejected(AuthkitError):
    """The provider refused our code or token."""

    code = "provider_rejected"
    status = 400
    message = "The provider refused this sign-in. Please start again."


class ProviderMisconfigured(AuthkitError):
    """The provider says that our key, secret or set-up is wrong."""

    code = "provider_misconfigured"
    status = 503
    message = "This way to sign in is not set up correctly."


class ReauthRequired(AuthkitError):
    """The stored token is of no use any more: the user has to sign in again."""

    code = "reauth_required"
    status = 401
    message = "Please sign in again."


class ProviderUnavailable(AuthkitError):
    """The provider could not be reached, failed, or did not answer in time."""

    code = "provider_unavailable"
    status = 503
    message = "The provider does not answer at the moment. Please try again shortly."


class ProviderRateLimited(AuthkitError):
    """The provider says that we ask too often."""

    code = "provider_rate_limited"
    status = 503
    message = "The provider is busy at the moment. Please try again shortly."


class ProviderProtocolError(AuthkitError):
    """The provider, or its plugin, answered something that makes no sense."""

    code = "provider_protocol"
    status = 502
    message = "The provider gave an answer that we cannot use. Please try again later."


class WebhookRejected(AuthkitError):
    """What came to a webhook is not from the provider: the signature is missing, wrong or too old."""

    code = "webhook_rejected"
    status = 401
    message = "This delivery is not signed as it should be."


# Our own store or the app failed.


class StoreUnavailable(AuthkitError):
    """A store that the login needs, or the app's login handler, failed."""

    code = "store_unavailable"
    status = 503
    message = "We could not finish signing you in. Please try again in a moment."
