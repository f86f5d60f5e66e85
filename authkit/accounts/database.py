"""Databases: every piece of work runs in one transaction, our own or the app's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Executable,
    Table,
    false,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session, registry

from authkit.accounts import schema
from authkit.accounts.afterwards import Afterwards
from authkit.accounts.engines import READS, new_engine
from authkit.accounts.failures import may_pass, store_unavailable
from authkit.errors import StoreUnavailable
from authkit.models import Secret

__all__ = ["Database", "Executor", "Joined", "Transactor", "count_changed"]

PAUSES = (0.05, 0.1, 0.2)
"""How long to wait before each further attempt, in seconds."""
LAST_ATTEMPT = 10
"""When no further attempt is begun, in seconds: a server that hangs shall not be waited for four times."""

T = TypeVar("T")

Executor: TypeAlias = Connection | Session
"""What runs a statement."""


def count_changed(executor: Executor, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
    """Run an update or a delete with the values of its parameters, and return how many rows it matched."""
    result: Any = executor.execute(statement, values)
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

    def count(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        """Return how many rows of a table meet all `conditions`."""
        counting = select(func.count()).select_from(table).where(*conditions)
        return self.read(lambda executor: executor.execute(counting).scalar_one())

    def afterwards(self, callback: Callable[[], None]) -> None:
        """Call `callback` now: what was written is committed."""
        callback()

    @staticmethod
    def _run(engine: Engine, work: Callable[[Executor], T]) -> T:
        with _connect(engine) as connection, connection.begin():
            return work(connection)


def _connect(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except SQLAlchemyError:
        raise
    except Exception as exc:  # noqa: BLE001 - what a driver raises for a parameter of the URL that it does not like
        problem = StoreUnavailable(f"the driver cannot use authkit.accounts.database ({type(exc).__name__})")
    raise problem


def _again_and_again(run: Callable[[], T]) -> T:
    """Return what `run` returns, at most at the fourth attempt."""
    ends_at = time.monotonic() + LAST_ATTEMPT
    attempts = 0
    while True:
        try:
            return run()
        except SQLAlchemyError as exc:
            failure = store_unavailable(exc)
            is_last = attempts == len(PAUSES) or not may_pass(exc) or time.monotonic() >= ends_at
        if is_last:
            raise failure
        # Not the same for all, so that two that met do not meet again.
        time.sleep(PAUSES[attempts] * random.uniform(0.5, 1))  # noqa: S311 - nobody gains by guessing it
        attempts += 1


class Touched:
    """A row of the accounts, as SQLAlchemy's ORM sees it."""


registry().map_imperatively(Touched, schema.accounts)


class Joined:
    """The app's own transaction: what is written lasts if, and only if, the app commits.

    Args:
        session: returns the app's session, whose database has our tables; called when there is something to do in it.
        own: the same database, in transactions of our own.
    """

    def __init__(self, session: Callable[[], Session], own: Database) -> None:
        self._session = session
        self._own = own

    @property
    def own(self) -> Database:
        """See `Transactor.own`."""
        return self._own

    def read(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.read`."""
        return work(self._session())

    def write(self, work: Callable[[Executor], T]) -> T:
        """See `Transactor.write`.

        The work is a savepoint, so that what it made in vain is undone, what the app wrote before is not, and the
        second attempt finds what somebody else has made.

        Raises:
            SQLAlchemyError: what the database says, as it says it, for the app's own way to begin anew.
        """
        session = self._session()
        _touch(session)
        try:
            with session.begin_nested():
                return work(session)
        except IntegrityError:
            pass
        with session.begin_nested():
            return work(session)

    def afterwards(self, callback: Callable[[], None]) -> None:
        """See `Transactor.afterwards`; by then, the session has given its connection back."""
        Afterwards.of(self._session()).add(callback)


def _touch(session: Session) -> None:
    """Write nothing, in a way that counts as writing.

    SQLite has the write lock from here on, and a session of zope.sqlalchemy knows that there is something to
    commit: it looks at what the ORM writes, and we write without it.
    """
    nothing = update(Touched).where(false()).values(display_name=None)
    session.execute(nothing, execution_options={"synchronize_session": False})
