"""The transaction of a request: what happens once it is over, and that a callback is not begun anew after it."""

from __future__ import annotations

from collections.abc import Callable

from pyramid.request import Request

from authkit.errors import StoreUnavailable

__all__ = ["no_other_try", "once_committed", "when_over"]


def when_over(request: Request, callback: Callable[[bool], None]) -> None:
    """Call `callback` with whether it was committed once pyramid_tm's transaction is over; without one, at once."""
    if "tm.active" not in request.environ:
        callback(True)
        return
    transaction = request.environ["tm.manager"].get()
    transaction.addAfterCommitHook(callback)
    transaction.addAfterAbortHook(callback, args=(False,))


def once_committed(request: Request, registration: str, tell: Callable[[], None]) -> None:
    """Let `tell` say what succeeded, once that is committed; if it never is, that is reported in its place."""

    def over(is_committed: bool) -> None:
        if is_committed:
            tell()
        else:
            reason = "the transaction of the request was not committed"
            request.authkit.failed(StoreUnavailable(reason, registration=registration))

    when_over(request, over)


def no_other_try(request: Request) -> None:
    """Keep pyramid_retry from beginning this request anew: what came with it counts once, and has counted."""
    if "retry.attempt" in request.environ:
        request.environ["retry.attempts"] = request.environ["retry.attempt"] + 1
