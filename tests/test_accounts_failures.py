"""What a failure of the database means: the drivers' own errors are made for real in test_accounts_database.py."""

from __future__ import annotations

import sqlite3

import psycopg.errors
import pymysql
import pytest
from sqlalchemy.exc import DataError, IntegrityError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from authkit.accounts.failures import may_pass, store_unavailable

RUN_UPGRADE = "the tables are missing or behind, run: authkit db upgrade"


def failed(kind, orig, *, is_lost=False):
    """Return an error as SQLAlchemy raises it, with a parameter that must not be told."""
    return kind("SELECT canary", {"canary": 1}, orig, connection_invalidated=is_lost)


@pytest.mark.parametrize(
    ("exc", "passes"),
    [
        (failed(OperationalError, psycopg.errors.DeadlockDetected("deadlock detected")), True),
        (failed(OperationalError, psycopg.errors.SerializationFailure("could not serialize access")), True),
        (failed(OperationalError, psycopg.errors.LockNotAvailable("lock timeout")), False),
        (failed(OperationalError, psycopg.errors.QueryCanceled("statement timeout")), False),
        (failed(OperationalError, psycopg.errors.DiskFull("no space left on device")), False),
        (failed(OperationalError, psycopg.errors.AdminShutdown("terminating"), is_lost=True), True),
        (failed(OperationalError, psycopg.OperationalError("connection refused")), False),
        (failed(IntegrityError, psycopg.errors.UniqueViolation("twice")), True),
        (failed(OperationalError, pymysql.err.OperationalError(1213, "Deadlock found")), True),
        (failed(OperationalError, pymysql.err.OperationalError(1020, "Record has changed")), True),
        (failed(OperationalError, pymysql.err.OperationalError(1205, "Lock wait timeout exceeded")), False),
        (failed(OperationalError, pymysql.err.OperationalError(2013, "Lost connection"), is_lost=True), True),
        (failed(OperationalError, pymysql.err.OperationalError(1021, "Disk full")), False),
        (failed(IntegrityError, pymysql.err.IntegrityError(1062, "Duplicate entry")), True),
        (failed(OperationalError, sqlite3.OperationalError("database is locked")), False),
        (failed(OperationalError, sqlite3.OperationalError("database or disk is full")), False),
        (failed(OperationalError, sqlite3.OperationalError()), False),
        (failed(DataError, psycopg.DataError("too long")), False),
        (PoolTimeout("QueuePool limit"), False),
    ],
    ids=lambda value: repr(getattr(value, "orig", value)),
)
def test_what_may_pass_is_what_goes_well_when_it_is_done_again(exc, passes):
    assert may_pass(exc) is passes


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (
            failed(OperationalError, psycopg.OperationalError("connection refused\nIs the server running?")),
            "the database failed: OperationalError: connection refused",
        ),
        (
            failed(ProgrammingError, psycopg.errors.UndefinedTable('relation "authkit_claims" does not exist')),
            f'{RUN_UPGRADE} (UndefinedTable: relation "authkit_claims" does not exist)',
        ),
        (
            failed(ProgrammingError, psycopg.errors.UndefinedColumn('column "fence" does not exist')),
            f'{RUN_UPGRADE} (UndefinedColumn: column "fence" does not exist)',
        ),
        (
            failed(ProgrammingError, pymysql.err.ProgrammingError(1146, "Table 'app.authkit_claims' doesn't exist")),
            f"{RUN_UPGRADE} (ProgrammingError: (1146, \"Table 'app.authkit_claims' doesn't exist\"))",
        ),
        (
            failed(OperationalError, pymysql.err.OperationalError(1054, "Unknown column 'fence' in 'SELECT'")),
            f"{RUN_UPGRADE} (OperationalError: (1054, \"Unknown column 'fence' in 'SELECT'\"))",
        ),
        (
            failed(OperationalError, sqlite3.OperationalError("no such table: authkit_claims")),
            f"{RUN_UPGRADE} (OperationalError: no such table: authkit_claims)",
        ),
        (
            failed(OperationalError, sqlite3.OperationalError("no such column: fence")),
            f"{RUN_UPGRADE} (OperationalError: no such column: fence)",
        ),
        (failed(InternalError, pymysql.err.InternalError("odd")), "the database failed: InternalError: odd"),
        (PoolTimeout("canary"), "the database failed: TimeoutError"),
    ],
    ids=lambda value: repr(getattr(value, "orig", value))[:40],
)
def test_what_is_said_names_the_fault_and_what_to_do(exc, reason):
    assert store_unavailable(exc).reason == reason


@pytest.mark.parametrize(
    ("exc", "reason"),
    [
        (
            failed(IntegrityError, pymysql.err.IntegrityError(1062, "Duplicate entry 'canary' for key 'PRIMARY'")),
            "the database failed: IntegrityError: code 1062",
        ),
        (
            failed(IntegrityError, psycopg.errors.UniqueViolation("twice\nDETAIL: Key (subject)=(canary) exists.")),
            "the database failed: UniqueViolation: code 23505",
        ),
        (
            failed(DataError, psycopg.errors.InvalidTextRepresentation('invalid input syntax: "canary"')),
            "the database failed: InvalidTextRepresentation: code 22P02",
        ),
    ],
    ids=lambda value: repr(getattr(value, "orig", value))[:40],
)
def test_no_value_is_said(exc, reason):
    assert store_unavailable(exc).reason == reason


@pytest.mark.parametrize(("name", "said"), [("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_UNIQUE"), ("", "twice")])
def test_sqlite_has_names_for_codes_since_python_3_11(name, said):
    exc = failed(IntegrityError, sqlite3.IntegrityError("twice"))
    exc.orig.sqlite_errorname = name

    assert store_unavailable(exc).reason == f"the database failed: IntegrityError: code {said}"
