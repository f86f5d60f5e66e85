"""Sessions: renewed at each login, in the way that every Pyramid session supports; none is needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy

from pyramid.interfaces import ISessionFactory
from pyramid.request import Request

__all__ = ["end_session", "renew_session", "session_kept_on_failure"]


def _has_session(request: Request) -> bool:
    return request.registry.queryUtility(ISessionFactory) is not None


def renew_session(request: Request, keep: Collection[str] = ()) -> None:
    """Replace the session: a planted id or planted content is of no use afterwards (session fixation).

    Args:
        request: the request, with or without a session.
        keep: the keys whose values go over into the new session, such as a cart.
    """
    if _has_session(request):
        kept = {key: request.session[key] for key in keep if key in request.session}
        request.session.invalidate()
        request.session.update(kept)


def end_session(request: Request) -> None:
    """End the session, if the app has any."""
    renew_session(request)


@contextmanager
def session_kept_on_failure(request: Request) -> Iterator[Callable[[], None]]:
    """Put the session back as it was if the block raises: half a login must sign nobody in, nor out.

    The same goes for what raises after it and ends in an error page, such as a transaction that does not commit.
    The block gets the function that puts it back, for failures that are not raised.
    """
    if not _has_session(request):
        yield lambda: None
        return
    before = deepcopy(dict(request.session))

    def put_back() -> None:
        if dict(request.session) != before:
            request.session.invalidate()
            request.session.update(before)

    # It stands first, because a session that has changed sends its cookie in a callback of its own.
    request.response_callbacks.appendleft(lambda request, _: put_back() if request.exception else None)
    try:
        yield put_back
    except BaseException:
        put_back()
        raise
