"""Fixtures for tests of apps with accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from account_apps import AccountApp

from authkit.accounts import Database, metadata


@pytest.fixture
def new_app(new_world: Any, database: Database) -> Callable[..., AccountApp]:
    """Give what makes an app with accounts, on each of the three databases."""

    def make(*after: Any, **options: Any) -> AccountApp:
        return AccountApp(new_world, options.pop("database", database), *after, **options)

    return make


@pytest.fixture
def app(new_app: Callable[..., AccountApp]) -> AccountApp:
    """Give an app that has nothing but accounts and a few views, on each of the three databases."""
    return new_app()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """Give a database with empty tables, for what is the same in all of them."""
    opened = Database.open(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def small_app(new_world: Any, sqlite: Database) -> AccountApp:
    """Give the same as `app`, on SQLite alone."""
    return AccountApp(new_world, sqlite)
