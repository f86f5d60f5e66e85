"""Databases: what is tried again, what is said, and that nothing is stored by half."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone

import pytest
from sqlalchemy import create_engine, event, insert, select, text, update
from sqlalchemy.exc import PendingRollbackError

from authkit.accounts import Database
from authkit.accounts.database import LAST_ATTEMPT
from authkit.accounts.engines import Limits, new_engine
from authkit.accounts.schema import audit, claims, identities
from authkit.errors import StoreUnavailable
from authkit.models import Secret

SERVERS = pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
IMPATIENT = Limits(connect=2, lock=1, statement=5)


def url_of(database):
    return database.engine.url.render_as_string(hide_password=False)


@pytest.fixture(autouse=True)
def nothing_is_checked_out(request):
    """See that whatever a test did to its database, every connection was given back."""
    opened = request.getfixturevalue("database") if "database" in request.fixturenames else None
    yield
    assert opened is None or opened.engine.pool.checkedout() == 0


@pytest.fixture
def impatient(database):
    """Give the same database with other limits: one that waits a second for a lock."""
    opened = Database(new_engine(Secret(url_of(database)), IMPATIENT))
    yield opened
    assert opened.engine.pool.checkedout() == 0
    opened.close()


def add(executor, digest, expires_at=0):
    executor.execute(insert(claims).values(digest=digest, expires_at=expires_at))


def rows(database):
    query = select(claims.c.digest, claims.c.expires_at).order_by(claims.c.digest)
    return [tuple(row) for row in database.read(lambda executor: executor.execute(query).all())]


class Attempts:
    """Counts the attempts of a piece of work, and does something in the first."""

    def __init__(self, work, at_first=lambda executor: None):
        self.count = 0
        self._work = work
        self._at_first = at_first

    def __call__(self, executor):
        self.count += 1
        if self.count == 1:
            self._at_first(executor)
        return self._work(executor)


def add_unless_there(executor, digest="a"):
    found = executor.execute(select(claims.c.digest).where(claims.c.digest == digest)).one_or_none()
    if found is None:
        add(executor, digest)
    return "added" if found is None else "found"


# Transactions.


def test_what_write_returned_is_there_for_everybody(database):
    assert database.write(lambda executor: (add(executor, "a"), "answer")[1]) == "answer"

    other = Database.open(url_of(database))
    assert rows(other) == [("a", 0)]
    other.close()


def test_what_raises_is_undone_and_passed_on(database):
    def work(executor):
        add(executor, "a")
        raise LookupError("not the database's business")

    with pytest.raises(LookupError, match="not the database's business"):
        database.write(work)

    assert rows(database) == []


def test_reading_sees_what_was_written_since(database):
    def work(executor):
        before = executor.execute(select(claims.c.digest)).all()
        other.write(lambda executor: add(executor, "a"))
        return before, executor.execute(select(claims.c.digest)).all()

    other = Database.open(url_of(database))
    assert database.read(work) == ([], [("a",)])
    other.close()


def test_a_closed_database_can_be_used_again(database):
    database.close()
    assert rows(database) == []
    database.close()


def test_afterwards_is_at_once_for_what_is_committed_already(database):
    called = []
    database.afterwards(lambda: called.append(1))
    assert (called, database.own is database) == ([1], True)


# What is tried again.


@pytest.mark.slow
@SERVERS
def test_of_two_that_lock_each_other_out_one_is_tried_again(database):
    for digest in ("a", "b"):
        database.write(lambda executor, digest=digest: add(executor, digest))
    both_have_one = threading.Barrier(2, timeout=30)

    def increment(executor, digest):
        executor.execute(update(claims).where(claims.c.digest == digest).values(expires_at=claims.c.expires_at + 1))

    def work_on(first, second):
        is_first_attempt = True

        def work(executor):
            nonlocal is_first_attempt
            counts[first] += 1
            increment(executor, first)
            if is_first_attempt:
                is_first_attempt = False
                both_have_one.wait()
            increment(executor, second)

        return work

    counts = {"a": 0, "b": 0}
    threads = [threading.Thread(target=database.write, args=(work_on(*pair),)) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert rows(database) == [("a", 2), ("b", 2)]
    assert sum(counts.values()) == 3


@SERVERS
def test_what_could_not_be_put_in_order_is_tried_again(database):
    """PostgreSQL calls it a serialization failure; MariaDB says that the record has changed since it was read."""
    database.write(lambda executor: add(executor, "a"))
    strict = Database(create_engine(database.engine.url, isolation_level="REPEATABLE READ"))

    def disturb(executor):
        if database.engine.dialect.name == "mysql":
            executor.exec_driver_sql("SET SESSION innodb_snapshot_isolation = ON")
        executor.execute(select(claims)).all()
        database.write(lambda other: other.execute(update(claims).values(expires_at=10)))

    work = Attempts(
        lambda executor: executor.execute(update(claims).values(expires_at=claims.c.expires_at + 1)), disturb
    )
    strict.write(work)
    strict.close()

    assert (rows(database), work.count) == ([("a", 11)], 2)


@SERVERS
def test_a_key_that_somebody_else_added_is_found_the_second_time(database):
    def work(executor):
        found = executor.execute(select(claims.c.expires_at).where(claims.c.digest == "a")).one_or_none()
        if found is not None:
            return "found"
        if attempts.count == 1:
            other.write(lambda executor: add(executor, "a", 5))
        add(executor, "b")
        add(executor, "a", 7)
        return "added"

    other = Database.open(url_of(database))
    attempts = Attempts(work)

    assert (database.write(attempts), attempts.count, rows(database)) == ("found", 2, [("a", 5)])
    other.close()


def test_a_key_that_cannot_be_is_an_error_after_four_attempts(database):
    def work(executor):
        add(executor, "a")
        executor.execute(
            insert(identities).values(
                **dict.fromkeys(("account_id", "authority", "client", "subject", "registration"), "canary-value"),
                **dict.fromkeys(("created_at", "last_login_at"), datetime(2030, 1, 1, tzinfo=timezone.utc)),
                email_verified=False,
            )
        )

    attempts = Attempts(work)
    with pytest.raises(StoreUnavailable, match=r"^store_unavailable: the database failed: \w+: code \w+") as caught:
        database.write(attempts)

    assert (attempts.count, rows(database)) == (4, [])
    assert "canary" not in str(caught.value)


@pytest.mark.slow
@SQLITE
def test_what_has_taken_ten_seconds_is_not_tried_again(database):
    def work(executor):
        add(executor, "a")
        add(executor, "a")

    attempts = Attempts(work, at_first=lambda executor: time.sleep(LAST_ATTEMPT))
    with pytest.raises(StoreUnavailable):
        database.write(attempts)

    assert attempts.count == 1


def number_of(connection):
    """Return the server's number of a connection."""
    query = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}[connection.dialect.name]
    return connection.exec_driver_sql(query).scalar()


def kill(database, number):
    """End a connection from another one, as a server that is restarted does."""
    statement = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}[database.engine.dialect.name]
    helper = Database.open(url_of(database))
    with helper.engine.connect() as connection:
        connection.exec_driver_sql(statement.format(number))
    helper.close()


@SERVERS
def test_a_connection_that_is_lost_in_the_middle_is_replaced(database):
    def work(executor):
        answer = add_unless_there(executor)
        if attempts.count == 1:
            kill(database, number_of(executor))
        add(executor, "b")
        return answer

    attempts = Attempts(work)

    assert (database.write(attempts), attempts.count) == ("added", 2)
    assert rows(database) == [("a", 0), ("b", 0)]


@SERVERS
def test_a_connection_that_is_lost_at_the_commit_is_replaced(database):
    def work(executor):
        answer = add_unless_there(executor)
        if attempts.count == 1:
            kill(database, number_of(executor))
        return answer

    attempts = Attempts(work)

    assert (database.write(attempts), attempts.count, rows(database)) == ("added", 2, [("a", 0)])


@SERVERS
def test_connections_that_were_lost_while_nobody_used_them_are_replaced(database):
    with contextlib.ExitStack() as stack:
        numbers = [number_of(stack.enter_context(database.engine.connect())) for _ in range(3)]
    for number in numbers:
        kill(database, number)

    attempts = Attempts(add_unless_there)
    assert database.write(attempts) == "added"
    assert attempts.count <= 2
    assert rows(database) == [("a", 0)]


# What is said.


@SERVERS
def test_a_server_that_is_down_is_said_to_be_and_found_when_it_is_back(database, relay):
    away = Database.open(database.engine.url.set(port=relay.port).render_as_string(hide_password=False))

    with pytest.raises(StoreUnavailable, match="the database failed: OperationalError"):
        away.write(add_unless_there)
    relay.open()
    assert away.write(add_unless_there) == "added"
    relay.close()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="the database failed: OperationalError"):
            away.write(add_unless_there)
    with pytest.raises(StoreUnavailable, match="the database failed: OperationalError"):
        rows(away)
    relay.open()
    assert (away.write(add_unless_there), rows(away)) == ("found", [("a", 0)])

    assert away.engine.pool.checkedout() == 0
    away.close()


@SERVERS
def test_a_server_that_goes_in_the_middle_leaves_nothing_behind(database, relay):
    away = Database.open(database.engine.url.set(port=relay.port).render_as_string(hide_password=False))
    relay.open()

    def work(executor):
        add(executor, "a")
        relay.close()
        add(executor, "b")

    with pytest.raises(StoreUnavailable):
        away.write(work)

    assert (rows(database), away.engine.pool.checkedout()) == ([], 0)
    away.close()


LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@SQLITE
def test_dbf_02_a_file_that_another_process_has_locked_is_not_waited_for_for_ever(database, impatient):
    command = [sys.executable, "-c", LOCKER, database.engine.url.database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as locker:
        assert locker.stdout.readline() == "locked\n"
        began, attempts = time.monotonic(), Attempts(add_unless_there)

        with pytest.raises(StoreUnavailable, match="database is locked"):
            impatient.write(attempts)

        assert (attempts.count, rows(impatient)) == (0, [])  # reading needs no lock
        assert time.monotonic() - began < 8
        locker.stdin.close()
        locker.wait(30)

    assert impatient.write(add_unless_there) == "added"


@SQLITE
def test_a_file_that_is_locked_for_a_moment_is_waited_for(database):
    with contextlib.closing(sqlite3.connect(database.engine.url.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        writing = threading.Thread(target=database.write, args=(add_unless_there,))
        writing.start()
        writing.join(0.3)
        assert writing.is_alive()
        other.execute("COMMIT")
        writing.join(30)

    assert rows(database) == [("a", 0)]


@SQLITE
def test_who_will_write_keeps_others_from_writing_from_the_beginning(database, impatient):
    """What was read would be stale otherwise, and SQLite would then refuse to write at all."""

    def work(executor):
        executor.execute(select(claims)).all()
        with pytest.raises(StoreUnavailable, match="database is locked"):
            impatient.write(lambda other: add(other, "b"))
        return add_unless_there(executor)

    assert (database.write(work), rows(database)) == ("added", [("a", 0)])


LOCK = {"postgresql": "LOCK TABLE authkit_claims", "mysql": "LOCK TABLES authkit_claims WRITE"}


@SERVERS
def test_dbf_02_a_table_that_is_locked_is_not_waited_for_for_ever(database, impatient):
    with database.engine.connect() as other:
        other.exec_driver_sql(LOCK[database.engine.dialect.name])
        for ask in (impatient.write, impatient.read):
            began, attempts = time.monotonic(), Attempts(add_unless_there)
            with pytest.raises(StoreUnavailable):
                ask(attempts)
            assert attempts.count == 1
            assert time.monotonic() - began < 4
        if database.engine.dialect.name == "mysql":
            other.exec_driver_sql("UNLOCK TABLES")

    assert (impatient.write(add_unless_there), rows(database)) == ("added", [("a", 0)])


@SERVERS
def test_a_row_that_is_locked_is_not_waited_for_for_ever(database, impatient):
    database.write(add_unless_there)
    change = update(claims).where(claims.c.digest == "a").values(expires_at=7)

    with database.engine.begin() as other:
        other.execute(change)
        with pytest.raises(StoreUnavailable):
            impatient.write(lambda executor: (add(executor, "b"), executor.execute(change)))

    assert rows(database) == [("a", 7)]


@SQLITE
def test_a_full_disk_leaves_nothing_behind(database):
    database.close()
    limit = "PRAGMA max_page_count = 1"  # the file is not made smaller: it cannot grow
    listener = lambda connection, record: connection.execute(limit)  # noqa: E731
    event.listen(database.engine, "connect", listener)

    def work(executor):
        add(executor, "a")
        for number in range(2000):
            add(executor, f"canary-{number}" + 50 * "x")

    with pytest.raises(StoreUnavailable, match="database or disk is full"):
        database.write(work)

    assert rows(database) == []
    event.remove(database.engine, "connect", listener)
    database.close()
    assert (database.write(add_unless_there), rows(database)) == ("added", [("a", 0)])


def test_a_file_that_may_not_be_written_is_said_to_be(tmp_path):
    folder = tmp_path / "missing" / "authkit.sqlite"

    with pytest.raises(StoreUnavailable, match="unable to open database file"):
        Database.open(f"sqlite:///{folder}").write(add_unless_there)


def test_missing_tables_name_the_command(empty_database_url):
    database = Database.open(empty_database_url)

    for ask in (database.read, database.write):
        with pytest.raises(StoreUnavailable, match="the tables are missing or behind, run: authkit db upgrade"):
            ask(add_unless_there)

    assert database.engine.pool.checkedout() == 0
    database.close()


def test_a_missing_column_names_the_command(empty_database_url):
    database = Database.open(empty_database_url)
    audit.create(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE authkit_audit DROP COLUMN reference"))

    with pytest.raises(StoreUnavailable, match="the tables are missing or behind, run: authkit db upgrade"):
        database.read(lambda executor: executor.execute(select(audit)).all())
    database.close()


def test_a_failure_that_is_none_of_the_databases_is_said_too(database):
    def work(executor):
        raise PendingRollbackError("the words of SQLAlchemy")

    attempts = Attempts(work)
    with pytest.raises(StoreUnavailable, match=r"^store_unavailable: the database failed: PendingRollbackError$"):
        database.write(attempts)
    assert attempts.count == 1


@pytest.mark.parametrize(
    "work",
    [
        lambda executor: [add(executor, "canary-digest") for _ in range(2)],
        lambda executor: add(executor, "canary" * 100),
        lambda executor: add(executor, "canary\x00digest"),
        lambda executor: add(executor, "a", expires_at="canary"),
        lambda executor: executor.execute(text("SELECT canary_no, :value"), {"value": "canary-value"}),
        lambda executor: executor.execute(
            text("SELECT * FROM authkit_claims WHERE :value = 1 / nothing"), {"value": "canary-value"}
        ),
    ],
    ids=["twice", "too long", "with a NUL", "no number", "no column", "no such thing"],
)
def test_neither_a_value_nor_a_password_is_in_a_message_or_in_a_log(database, caplog, work):
    caplog.set_level(logging.DEBUG, logger="sqlalchemy")
    database.engine.echo = True

    said = ""
    try:
        database.write(work)
    except StoreUnavailable as error:
        said = f"{error!r} {error.__cause__!r} {error.__context__!r}"

    database.engine.echo = False
    leaks = [
        text
        for text in (said, caplog.text)
        if any(word in text for word in ("canary-", "canarycanary", "canary\x00"))
    ]
    assert leaks == []
    assert "parameters" in caplog.text  # hidden ones


@SERVERS
def test_a_password_is_in_no_message(database, caplog):
    caplog.set_level(logging.DEBUG)
    url = database.engine.url.set(username="nobody", password="canary-pass", database="nowhere")
    wrong = Database.open(url.render_as_string(hide_password=False))

    with pytest.raises(StoreUnavailable) as caught:
        rows(wrong)

    assert "canary" not in f"{caught.value!r} {caught.value.__context__!r} {caplog.text}"
