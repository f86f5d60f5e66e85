"""What may come out of a parser: what it has read, or one of our own errors, which says nothing that it must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from authkit import errors as known
from authkit.errors import AuthkitError

__all__ = ["PROVIDER_ERRORS", "read_or_refused"]

PROVIDER_ERRORS = (
    known.AccessDenied,
    known.ProviderMisconfigured,
    known.ProviderProtocolError,
    known.ProviderRateLimited,
    known.ProviderRejected,
    known.ProviderUnavailable,
    known.ReauthRequired,
    known.ScopeMissing,
)
"""What an answer of a provider may mean; whatever else goes wrong with one is a `ProviderProtocolError`."""

T = TypeVar("T")


def read_or_refused(call: Callable[[], T], *errors: type[AuthkitError], secrets: tuple[str, ...] = ()) -> T | None:
    """Return what `call` returns, None if it raises one of `errors`. Whatever else it raises is a finding.

    Args:
        call: calls the parser.
        errors: what the parser's docstring says that it raises.
        secrets: what must not be in the error.
    """
    try:
        return call()
    except errors as error:
        _check(error, secrets)
        return None


def _check(error: BaseException, secrets: tuple[str, ...]) -> None:
    """Check that an error is fit for a log line, and that nothing but our own errors are behind it."""
    assert isinstance(error, AuthkitError)
    assert error.reason.isascii()
    assert error.reason.isprintable()
    said = f"{error} {error!r} {error.reason} {error.said} {error.log_id}"
    assert [secret for secret in secrets if secret in said] == []
    for cause in filter(None, (error.__cause__, error.__context__)):
        _check(cause, secrets)
