"""What the commands for operators work on: the app's kit and its database, from its settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from authkit import AuthKit
from authkit.cli.listing import read_ini
from authkit.errors import ConfigError

if TYPE_CHECKING:
    from authkit.accounts import Database

__all__ = ["ini_option", "open_store"]

ini_option = click.option(
    "--ini",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The app's ini file; the environment (AUTHKIT_...) counts as well.",
)


def open_store(ini: Path | None) -> tuple[AuthKit, Database]:
    """Return the kit and the database of an app's settings: an ini file, if there is one, and the environment.

    Raises:
        ConfigError: a setting is missing, unknown or malformed, or SQLAlchemy is not installed.
    """
    from authkit.accounts import Database, SqlClaims  # late: the other commands do without SQLAlchemy

    kit = AuthKit.from_settings(read_ini(ini)) if ini else _kit_of_environment()
    database = Database.open(kit.parts["accounts"]["database"])
    return kit.with_claims(SqlClaims(database, kit.clock)), database


def _kit_of_environment() -> AuthKit:
    """Return the kit of the environment's settings; where they do not do, say that there is another way."""
    try:
        return AuthKit.from_settings({})
    except ConfigError as error:
        raise ConfigError(f"{error.reason} (settings of an ini file: --ini FILE)") from None
