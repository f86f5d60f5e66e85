"""Migrating: the tables made and brought up to date, and a look at whether they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import chain
from typing import Any, TypeVar, cast

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text

from authkit.accounts.columns import MYSQL
from authkit.accounts.database import Database, Executor
from authkit.accounts.engines import PATIENT, Limits, new_engine
from authkit.accounts.schema import metadata
from authkit.errors import StoreUnavailable
from authkit.models import Secret

__all__ = ["VERSION_TABLE", "Condition", "State", "check", "current", "upgrade"]

VERSION_TABLE = "authkit_alembic_version"
"""The table that says which revision the others are at; an app's own Alembic leaves it alone."""

LOCATION = "authkit.accounts:migrations"
"""Where the migrations are, as Alembic has it."""

T = TypeVar("T")


def is_ours(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:  # noqa: ARG001 - Alembic's signature
    """Whether something in the database is ours, and not the app's."""
    return kind != "table" or name in metadata.tables


OPTIONS: dict[str, Any] = {
    "target_metadata": metadata,
    "version_table": VERSION_TABLE,
    "include_name": is_ours,
    "compare_type": True,
}
"""How Alembic is set up, here and in the migrations' own environment."""


class State(Enum):
    """What can be said of the tables."""

    FINE = auto()
    NO_TABLES = auto()
    BEHIND = auto()
    UNKNOWN_REVISION = auto()
    DIFFERENT = auto()


@dataclass(frozen=True, slots=True)
class Condition:
    """What `check` has found.

    Attributes:
        state: how the tables are.
        revision: the revision that the database is at; None where `upgrade` has never been.
        differences: where the tables are not what the code expects, a few words each.
    """

    state: State
    revision: str | None = None
    differences: tuple[str, ...] = ()

    @property
    def is_fine(self) -> bool:
        """Whether authkit can work with these tables."""
        return self.state is State.FINE

    def __str__(self) -> str:
        """Return what to tell the operator, in one line."""
        return {
            State.FINE: f"The tables are as they should be ({_at(self.revision)}).",
            State.NO_TABLES: "There are no tables yet, run: authkit db upgrade",
            State.BEHIND: f"The tables are behind ({_at(self.revision)}), run: authkit db upgrade",
            State.UNKNOWN_REVISION: (
                f"The tables are at revision {self.revision}, which this authkit does not know: a newer one was here."
            ),
            State.DIFFERENT: f"The tables are not as they should be ({_at(self.revision)}): "
            + "; ".join(self.differences),
        }[self.state]


def upgrade(
    database: Database, revision: str = "head", *, limits: Limits = PATIENT, location: str = LOCATION
) -> None:
    """Make the tables, or bring them up to date. Of two processes that do it at the same moment, one waits.

    It is safe to do it again, after a crash for example.

    Args:
        database: where the tables are.
        revision: how far to go.
        limits: how long to wait for others; a statement may take as long as it takes.
        location: where the migrations are.

    Raises:
        StoreUnavailable: the database failed, or is at a revision that is not known here.
    """

    def work(connection: Connection) -> None:
        _wait_for_others(connection, limits)
        config = _config(location)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    url = database.engine.url.render_as_string(hide_password=False)
    patient = Database(new_engine(Secret(url), limits))
    try:
        _told(lambda: patient.write(_connected(work)))
    finally:
        patient.close()  # and MariaDB's lock with it


def current(database: Database) -> str | None:
    """Return the revision that the database is at, None if `upgrade` has never been there.

    Raises:
        StoreUnavailable: the database failed.
    """
    return _told(lambda: database.read(_connected(_revision)))


def check(database: Database, *, location: str = LOCATION) -> Condition:
    """Return how the tables are. Tables that the app has made by an Alembic of its own are fine as well.

    Raises:
        StoreUnavailable: the database failed.
    """
    return _told(lambda: database.read(_connected(lambda connection: _check(connection, location))))


def _wait_for_others(connection: Connection, limits: Limits) -> None:
    """Keep other processes from migrating the same database, until the end of the transaction or the connection.

    SQLite's transactions write one after the other anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('authkit db upgrade'))"))
    elif connection.dialect.name in MYSQL:
        lock = text("SELECT GET_LOCK(CONCAT('authkit ', MD5(DATABASE())), :seconds)")
        if connection.execute(lock, {"seconds": limits.lock}).scalar() != 1:
            raise StoreUnavailable("another upgrade of this database has not come to an end")


def _check(connection: Connection, location: str) -> Condition:
    revision, script = _revision(connection), ScriptDirectory.from_config(_config(location))
    if revision is not None and revision != script.get_current_head():
        known = {found.revision for found in script.walk_revisions()}
        return Condition(State.BEHIND if revision in known else State.UNKNOWN_REVISION, revision)
    if revision is None and not set(metadata.tables) & set(inspect(connection).get_table_names()):
        return Condition(State.NO_TABLES)
    changes = compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), metadata)
    differences = tuple(sorted(chain.from_iterable(map(_describe, changes))))
    return Condition(State.DIFFERENT if differences else State.FINE, revision, differences)


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts=OPTIONS).get_current_revision()


def _describe(change: Any) -> list[str]:
    """Return a change that Alembic would make, as what is wrong now."""
    if isinstance(change, list):
        return [words for part in change for words in _describe(part)]
    verb, _, what = change[0].partition("_")
    if verb == "modify":
        return [f"the {what} of {change[2]}.{change[3]} differs"]
    name = f"{change[2]}.{change[3].name}" if what == "column" else change[1].name
    return [f"{what} {name} is {'missing' if verb == 'add' else 'not known here'}"]


def _config(location: str) -> Config:
    config = Config()
    config.set_main_option("script_location", location.replace("%", "%%"))
    return config


def _connected(work: Callable[[Connection], T]) -> Callable[[Executor], T]:
    """Return `work` for a `Database`, whose executors are connections."""
    return lambda executor: work(cast("Connection", executor))


def _told(run: Callable[[], T]) -> T:
    """Return what `run` returns; what Alembic refuses is an error of ours."""
    try:
        return run()
    except CommandError as exc:
        problem = StoreUnavailable(f"the tables cannot be upgraded: {exc}")
    raise problem


def _at(revision: str | None) -> str:
    return f"revision {revision}" if revision else "not made by authkit db upgrade"
