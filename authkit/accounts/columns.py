"""Types of columns that mean the same in every database, and the database's own clock."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, String
from sqlalchemy.dialects.mysql import VARBINARY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["Exact", "Moment", "RowNumber", "database_time"]

BYTES_OF_A_CHARACTER = 4
MYSQL = ("mysql", "mariadb")

RowNumber = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the database gives: SQLite counts up plain integers only."""


class Exact(TypeDecorator[str]):
    """Text of a key, compared byte by byte: ``AbC`` is not ``abc``, and a blank at the end counts.

    MySQL and MariaDB would fold case and blanks, so there it is kept as the bytes of its UTF-8; in PostgreSQL the
    collation is "C"; SQLite compares bytes anyway.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int = 255) -> None:
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type in the database at hand."""
        if dialect.name in MYSQL:
            return dialect.type_descriptor(VARBINARY(BYTES_OF_A_CHARACTER * self.length))
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(String(self.length, collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Return what the driver is given."""
        return value.encode("utf-8") if value is not None and dialect.name in MYSQL else value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return what the driver has given, as text."""
        return value.decode("utf-8") if isinstance(value, bytes) else value


class Moment(TypeDecorator[datetime]):
    """A moment in whole seconds, in UTC; databases keep it without a zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Return the moment without its zone."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None, microsecond=0)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Return the moment with its zone."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class database_time(GenericFunction[int]):  # noqa: N801 - a function of SQL
    """The seconds since the epoch by the database's clock, which all servers share, however wrong their own are."""

    type = BigInteger()
    inherit_cache = True


@compiles(database_time, "sqlite")
def _sqlite_time(element: database_time, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001 - as above
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(database_time, "postgresql")
def _postgresql_time(element: database_time, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001 - as above
    return "CAST(extract(epoch from clock_timestamp()) AS BIGINT)"


@compiles(database_time, "mysql")
@compiles(database_time, "mariadb")
def _mysql_time(element: database_time, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001 - as above
    return "unix_timestamp(sysdate())"
