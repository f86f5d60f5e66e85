"""``authkit db``: the tables made, brought up to date, and looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from authkit.cli.opening import ini_option, open_store

if TYPE_CHECKING:
    from authkit.accounts import Database

__all__ = ["db"]

database_option: Callable[..., Callable[..., None]] = click.option(
    "--database",
    "url",
    metavar="URL",
    help="The database, as an SQLAlchemy URL. Then no settings are needed, and none are read.",
)


@click.group()
def db() -> None:
    """The tables of accounts and tokens."""


@db.command()
@ini_option
@database_option
def upgrade(ini: Path | None, url: str | None) -> None:
    """Make the tables, or bring them up to date.

    This may be done at any time, and on several servers at once: one works, the others wait.
    """
    with opened(ini, url) as database:
        from authkit.accounts import migrate

        before = migrate.current(database)
        migrate.upgrade(database)
        after = migrate.current(database)
    click.echo(f"The tables are at revision {after}{', as before' if after == before else ''}.")


@db.command()
@ini_option
@database_option
def current(ini: Path | None, url: str | None) -> None:
    """Print the revision that the tables are at, or `none`."""
    with opened(ini, url) as database:
        from authkit.accounts import migrate

        click.echo(migrate.current(database) or "none")


@db.command()
@ini_option
@database_option
def check(ini: Path | None, url: str | None) -> None:
    """Say whether the tables are as this authkit needs them. The exit status is 1 if they are not."""
    with opened(ini, url) as database:
        from authkit.accounts import migrate

        condition = migrate.check(database)
    click.echo(str(condition))
    raise SystemExit(0 if condition.is_fine else 1)


@contextmanager
def opened(ini: Path | None, url: str | None) -> Iterator[Database]:
    """Give the database of a URL, or of an app's settings."""
    if ini is not None and url is not None:
        raise click.UsageError("give --ini or --database, not both")
    if url is None:
        _, database = open_store(ini)
    else:
        from authkit.accounts import Database

        database = Database.open(url)
    try:
        yield database
    finally:
        database.close()
