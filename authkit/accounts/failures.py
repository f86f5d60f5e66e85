"""What a failure of the database means: try again, or say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from authkit.errors import StoreUnavailable

__all__ = ["failures_as_ours", "may_pass", "store_unavailable"]

PASSING_STATES = frozenset({"40001", "40P01"})
"""PostgreSQL: serialization failure, deadlock."""
PASSING_NUMBERS = frozenset({1020, 1213})
"""MariaDB: the record has changed since it was read, deadlock (which newer drivers call 40001 as well)."""
MISSING_TABLE = ("no such table", "no such column")
MISSING_STATES = frozenset({"42P01", "42703"})
MISSING_NUMBERS = frozenset({1054, 1146})


def may_pass(exc: SQLAlchemyError) -> bool:
    """Whether the same work may succeed when it is done again at once.

    So it is after a deadlock, after a connection that was lost, and after a key that somebody else added in between:
    the second time, it is found.
    """
    if not isinstance(exc, DBAPIError):
        return False
    if isinstance(exc, IntegrityError) or exc.connection_invalidated:
        return True
    return _state(exc) in PASSING_STATES or _number(exc) in PASSING_NUMBERS


def store_unavailable(exc: SQLAlchemyError) -> StoreUnavailable:
    """Return our error for a failure, with the database's own words for the log, where they quote no values."""
    if not isinstance(exc, DBAPIError):
        return StoreUnavailable(f"the database failed: {type(exc).__name__}")
    said = f"{type(exc.orig).__name__}: {_words(exc)}"
    if _is_missing(exc):
        return StoreUnavailable(f"the tables are missing or behind, run: authkit db upgrade ({said})")
    return StoreUnavailable(f"the database failed: {said}")


@contextmanager
def failures_as_ours() -> Iterator[None]:
    """Raise `StoreUnavailable` for what a database says in the app's own transaction, which raises it as it is."""
    try:
        yield
        return
    except SQLAlchemyError as exc:
        failure = store_unavailable(exc)
    raise failure


def _words(exc: DBAPIError) -> str:
    """Return the first line of what the database says; of a value or a key that it does not like, only the code."""
    if isinstance(exc, (IntegrityError, DataError)):
        number = _number(exc)
        return f"code {number if isinstance(number, int) else _state(exc) or number}"
    return str(exc.orig).partition("\n")[0]


def _is_missing(exc: DBAPIError) -> bool:
    if any(words in str(exc.orig) for words in MISSING_TABLE):
        return True
    return _state(exc) in MISSING_STATES or _number(exc) in MISSING_NUMBERS


def _state(exc: DBAPIError) -> str:
    return getattr(exc.orig, "sqlstate", None) or getattr(exc.orig, "sqlite_errorname", None) or ""


def _number(exc: DBAPIError) -> object:
    args = getattr(exc.orig, "args", ())
    return args[0] if args else None
