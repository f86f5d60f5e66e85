"""Faults of the database, each by its row: an app's visitors are told to come back, and nothing is left half."""

from __future__ import annotations

import itertools
import sqlite3
import time
from contextlib import closing, contextmanager

import leftovers
import pytest
from account_apps import ADA, AccountApp, count
from account_world import AccountWorld
from faulty_places import closed_port
from pyramid_apps import answer_of, signed_cookie_session
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from authkit import Secret
from authkit.accounts import Database
from authkit.accounts.engines import Limits, new_engine
from authkit.accounts.schema import accounts, identities, tokens

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

IMPATIENT = Limits(connect=1, lock=1, statement=2)
LOCK = {"postgresql": "LOCK TABLE authkit_identities", "mysql": "LOCK TABLES authkit_identities WRITE"}


def rows(database):
    """Return how many accounts, identities and tokens there are."""
    return [count(database, table) for table in (accounts, identities, tokens)]


def unavailable(app, browser=None):
    """Let Ada sign in, which the database does not let her, and return how long that took."""
    app.become(ADA)
    browser = browser or app.world.browser()
    state = app.world.start(browser)
    began = time.monotonic()
    answer = browser.get(app.world.callback(state), status=503)
    app.world.assert_refusal(answer_of(answer), "store_unavailable")
    assert answer.headers["Retry-After"] == "30"
    assert "Traceback" not in answer.text
    assert app.world.me(browser) == "anonymous"
    return time.monotonic() - began


@pytest.mark.parametrize("parts", [(), (signed_cookie_session,)], ids=["plain", "session"])
def test_dbf_01_a_database_that_refuses_connections_signs_nobody_in(new_world, parts):
    down = Database.open(f"postgresql://postgres@127.0.0.1:{closed_port()}/none")
    app = AccountApp(new_world, down, *parts)

    unavailable(app)

    assert app.world.exchanges == 0
    down.close()


def test_dbf_02_a_file_that_is_locked_signs_nobody_in_and_is_not_waited_for_for_ever(new_world, sqlite):
    impatient = Database(new_engine(Secret(f"sqlite:///{sqlite.engine.url.database}"), IMPATIENT))
    app = AccountApp(new_world, impatient)
    with closing(sqlite3.connect(sqlite.engine.url.database, isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        assert unavailable(app) < 15
        locker.execute("ROLLBACK")
    assert rows(sqlite) == [0, 0, 0]

    app.signed_in()
    assert rows(sqlite) == [1, 1, 1]
    impatient.close()


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_dbf_02_a_table_that_is_locked_signs_nobody_in_and_is_not_waited_for_for_ever(new_world, database):
    url = database.engine.url.render_as_string(hide_password=False)
    impatient = Database(new_engine(Secret(url), IMPATIENT))
    app = AccountApp(new_world, impatient)
    with database.engine.connect() as locker:
        locker.exec_driver_sql(LOCK[database.engine.dialect.name])
        assert unavailable(app) < 15
        if database.engine.dialect.name == "mysql":
            locker.exec_driver_sql("UNLOCK TABLES")
    assert rows(database) == [0, 0, 0]

    app.signed_in()
    assert rows(database) == [1, 1, 1]
    impatient.close()


@contextmanager
def listening_to_inserts(database, table, happens):
    """Let something happen right before a row is inserted into `table`."""

    def listen(connection, cursor, statement, *rest):
        if statement.startswith(f"INSERT INTO {table.name} "):
            happens(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    yield
    event.remove(database.engine, "before_cursor_execute", listen)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_dbf_03_an_identity_that_another_process_inserted_first_is_found(new_app, database):
    """On the other databases, whoever is to insert keeps all others from it: nobody can be first."""
    app = new_app()
    elsewhere = Database.open(database.engine.url.render_as_string(hide_password=False))
    there = AccountWorld(elsewhere, kit=app.world.kit)
    seen = []

    def be_first(statement):
        if seen:
            return
        seen.append(there.accounts.sign_in(there.login(ADA[0])).account.id)

    with listening_to_inserts(database, identities, be_first):
        browser = app.signed_in(ADA)

    assert [app.world.me(browser)] == seen
    assert rows(database)[:2] == [1, 1]
    elsewhere.close()


def test_dbf_03_a_row_that_breaks_another_rule_is_no_login(new_app, database):
    app = new_app()
    with listening_to_inserts(database, identities, raises(IntegrityError("INSERT", {}, Exception("another rule")))):
        unavailable(app)

    assert rows(database) == [0, 0, 0]


def raises(error):
    """Return a function that raises `error`."""

    def happen(statement):
        raise error

    return happen


@pytest.mark.parametrize("step", ["identities", "tokens", "commit"])
def test_dbf_04_a_write_that_fails_after_the_exchange_signs_nobody_in(new_app, database, step):
    app = new_app()
    gone = OperationalError("COMMIT", {}, Exception("gone"))
    if step == "commit":

        def fail(connection):
            raise gone

        event.listen(database.engine, "commit", fail)
        unavailable(app)
        event.remove(database.engine, "commit", fail)
    else:
        with listening_to_inserts(database, {"identities": identities, "tokens": tokens}[step], raises(gone)):
            unavailable(app)

    assert rows(database) == [0, 0, 0]
    app.signed_in(ADA)
    assert rows(database) == [1, 1, 1]


FAILURES = {
    "token": [(500, b""), (200, b"<html>"), {"error": "invalid_grant"}, {"access_token": ""}, TimeoutError("slow")],
    "me": [(503, b""), (200, b"[]"), {"id": None}, {"id": 5}, OSError("reset")],
}


@pytest.mark.slow
def test_dbf_05_two_hundred_callbacks_that_fail_leave_nothing_behind(new_app, database):
    app = new_app()
    kinds = itertools.cycle([(endpoint, reply) for endpoint, replies in FAILURES.items() for reply in replies])

    def fail():
        endpoint, reply = next(kinds)
        app.world.network.replies[endpoint] = reply
        browser = app.world.browser()
        answer = browser.get(app.world.callback(app.world.start(browser)), expect_errors=True)
        assert answer.status_int in (400, 502, 503)
        app.world.network.repair()
        app.world.caplog.clear()

    for _ in range(20):
        fail()
    before = (leftovers.threads(), leftovers.descriptors())
    for _ in range(200):
        fail()

    assert (leftovers.threads(), leftovers.descriptors()) == before
    assert database.engine.pool.checkedout() == 0
    assert rows(database) == [0, 0, 0]
