"""What is to be done once a session has committed, and not at all if that comes to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

__all__ = ["Afterwards"]

INFO_KEY = "authkit_afterwards"


class Afterwards:
    """Calls that wait for a session's commit.

    Each waits with the transaction, or the savepoint, that it was added in. A savepoint that is released leaves its
    calls to what is around it; what ends in any other way than by a commit takes its calls along.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: dict[SessionTransaction | None, list[Callable[[], None]]] = {}
        self._committed: list[Callable[[], None]] = []
        # For as long as the session lives: listeners cannot be taken away by one that is being called.
        event.listen(session, "after_commit", self._on_commit)
        event.listen(session, "after_transaction_end", self._on_end)

    @classmethod
    def of(cls, session: Session) -> Afterwards:
        """Return those of a session, the same whenever it is asked."""
        if INFO_KEY not in session.info:
            session.info[INFO_KEY] = cls(session)
        found: Afterwards = session.info[INFO_KEY]
        return found

    def add(self, callback: Callable[[], None]) -> None:
        """Call `callback` once the transaction that the session is in has been committed, and is over."""
        self._waiting.setdefault(self._innermost(), []).append(callback)

    def _on_commit(self, session: Any) -> None:  # noqa: ARG002 - SQLAlchemy's signature
        done = self._innermost()
        callbacks = self._waiting.pop(done, [])
        around = None if done is None else done.parent
        kept = self._committed if around is None else self._waiting.setdefault(around, [])
        kept.extend(callbacks)

    def _on_end(self, session: Any, transaction: SessionTransaction) -> None:  # noqa: ARG002 - as above
        self._waiting.pop(transaction, None)
        callbacks, self._committed = self._committed, []  # there are some once the outermost has committed
        for callback in callbacks:
            callback()

    def _innermost(self) -> SessionTransaction | None:
        return self._session.get_nested_transaction() or self._session.get_transaction()
