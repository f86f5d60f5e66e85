"""Databases: every piece of work runs in one transaction, our own or the app's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Engine, Executable, event, false, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, registry

from authkit.accounts import schema
from authkit.accounts.engines import READS, new_engine
from authkit.accounts.failures import may_pass, store_unavailable
from authkit.models import Secret

__all__ = ["Database", "Executor", "Joined", "Transactor", "count_changed"]

TRIES = 4
PAUSE = 0.05

T = TypeVar("T")

Executor: TypeAlias = Connection | Session
"""What runs a statement."""


def count_changed(executor: Executor, statement: Executable) -> int:
    """Run an update or a delete, and return how many rows it matched."""
    result: Any = executor.execute(statement)
    return cast("CursorResult[Any]", result).rowcount


class Transactor(Protocol):
    """Runs pieces of work, each in one transaction."""

    @property
    def own(self) -> Database:
        """The database in transactions of our own, for what must last whatever becomes of the app's."""
        ...

    def read(self, work: Callable[[Executor], T]) -> T:
        """Return what `work` reads."""
        ...

    def write(self, work: Callable[[Executor], T]) -> T:
        """Return what `work` answers, once all of it is written. What it did is undone before it is called again.

        Raises:
            StoreUnavailable: the database failed, and nothing was written.
        """
        ...

    def afterwards(self, callback: Callable[[], None]) -> None:
        """Call `callback` once what was written is committed; never, if that comes to nothing."""
        ...


class Database:
    """A database, in short transactions of our own. What `write` has returned is on its disk."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        self._reads = engine.execution_options(**{READS: True, **isolation})

    @classmethod
    def open(cls, url: Secret | str) -> Database:
        """Return the database at an SQLAlchemy URL. Nothing is connected to yet.

        Raises:
            ConfigError: the URL is malformed, or its driver is not installed.
        """
        return cls(new_engine(url if isinstance(url, Secret) else Secret(url)))

    @property
    def own(self) -> Database:
        """See `Transactor.own`."""
        return self

    def close(self) -> None:
        """Close the connections that nobody uses. The database can be used again afterwards."""
        self.engine.dispose()

    def read(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.read`."""
        return _again_and_again(lambda: self._run(self._reads, work))

    def write(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.write`."""
        return _again_and_again(lambda: self._run(self.engine, work))

    def afterwards(self, callback: Callable[[], None]) -> None:
        """Call `callback` now: what was written is committed."""
        callback()

    @staticmethod
    def _run(engine: Engine, work: Callable[[Executor], T]) -> T:
        with engine.begin() as connection:
            return work(connection)


def _again_and_again(run: Callable[[], T]) -> T:
    """Return what `run` returns, at most at the fourth attempt."""
    for pause in (PAUSE, 2 * PAUSE, 4 * PAUSE, None):
        try:
            return run()
        except SQLAlchemyError as exc:
            failure = store_unavailable(exc)
            if pause is None or not may_pass(exc):
                break
        time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - so that two that met do not meet again
    raise failure


class Touched:
    """A row of the accounts, as SQLAlchemy's ORM sees it."""


registry().map_imperatively(Touched, schema.accounts)


class Joined:
    """The app's own transaction: what is written lasts if, and only if, the app commits.

    Args:
        session: the app's session, whose database has our tables.
        own: the same database, in transactions of our own.
    """

    def __init__(self, session: Session, own: Database) -> None:
        self._session = session
        self._own = own

    @property
    def own(self) -> Database:
        """See `Transactor.own`."""
        return self._own

    def read(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.read`."""
        return work(self._session)

    def write(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.write`.

        The work is a savepoint, so that what it made in vain is undone, what the app wrote before is not, and the
        second attempt finds what somebody else has made.
        """
        self._touch()
        try:
            with self._session.begin_nested():
                return work(self._session)
        except IntegrityError:
            pass
        with self._session.begin_nested():
            return work(self._session)

    def afterwards(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the session has committed."""
        _AfterCommit(self._session, callback)

    def _touch(self) -> None:
        """Write nothing, in a way that counts as writing.

        SQLite has the write lock from here on, and a session of zope.sqlalchemy knows that there is something to
        commit: it looks at what the ORM writes, and we write without it.
        """
        nothing = update(Touched).where(false()).values(display_name=None)
        self._session.execute(nothing, execution_options={"synchronize_session": False})


class _AfterCommit:
    """Calls something once a session has committed its outermost transaction; forgets it if that is rolled back."""

    def __init__(self, session: Session, callback: Callable[[], None]) -> None:
        self._session = session
        self._callback = callback
        event.listen(session, "after_commit", self._on_commit)
        event.listen(session, "after_soft_rollback", self._on_rollback)

    def _on_commit(self, session: Session) -> None:
        if not session.in_nested_transaction():
            self._forget()
            self._callback()

    def _on_rollback(self, session: Session, previous: object) -> None:  # noqa: ARG002 - SQLAlchemy's signature
        if not session.in_nested_transaction():
            self._forget()

    def _forget(self) -> None:
        event.remove(self._session, "after_commit", self._on_commit)
        event.remove(self._session, "after_soft_rollback", self._on_rollback)
