"""Puts many people into a database at once: the database itself makes the rows, and numbers them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from accounts import NOW, kept_token, opened
from sqlalchemy import ColumnElement, Engine, Select, String, Table, cast, insert, literal, select

from authkit.accounts.schema import accounts, identities, tokens


def known(people: int) -> Iterator[str]:
    """Yield the subjects of people who are in the database, at random."""
    random = Random(1)  # noqa: S311 - so that each run asks for the same people
    while True:
        yield f"person-{random.randrange(people)}"


def gather(url: str, people: int, client: str) -> None:
    """Make the tables, and put people into them, each with an account, an identity at TikTok and a token."""
    with opened(url) as database:
        number = _numbers(people)
        name = literal("person-") + cast(number, String)
        times: Mapping[str, object] = {"created_at": NOW, "last_login_at": NOW}
        _copy(database.engine, accounts, {"id": name, **times}, select(number))
        identity = {"account_id": name, "authority": "tiktok", "client": client, "subject": name}
        rest = {"registration": "app0", "email_verified": False, **times}
        _copy(database.engine, identities, {**identity, **rest}, select(number))
        _copy(database.engine, tokens, {"identity_id": identities.c.id, **kept_token()}, select(identities.c.id))
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def _numbers(people: int) -> ColumnElement[int]:
    """Return a column that counts from 0."""
    counted = select(literal(0).label("number")).cte("numbers", recursive=True)
    counted = counted.union_all(select(counted.c.number + 1).where(counted.c.number < people - 1))
    column: ColumnElement[int] = counted.c.number
    return column


def _copy(engine: Engine, table: Table, row: Mapping[str, object], source: Select[tuple[int]]) -> None:
    """Insert a row for each of `source`: of columns, or of values that are the same in all."""
    values = [
        value if isinstance(value, ColumnElement) else literal(value, table.c[name].type)
        for name, value in row.items()
    ]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # a statement of authkit's may take no half minute
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.execute(insert(table).from_select(list(row), source.with_only_columns(*values)))
