"""Faults of the database, each by its row: an app's visitors are told to come back, and nothing is left half."""

from __future__ import annotations

import itertools
import sqlite3
import time
from contextlib import closing, contextmanager

import leftovers
import pytest
from account_apps import ADA, BEN, AccountApp, checksum, count
from account_world import AccountWorld
from faulty_places import closed_port
from pyramid_apps import answer_of, signed_cookie_session
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from authkit import Secret
from authkit.accounts import Database
from authkit.accounts.engines import READS, Limits, new_engine
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


@contextmanager
def commits_after_the_exchange(app, happens):
    """Let something happen right before each commit of a write, once the next code has been exchanged."""
    exchanges = app.world.exchanges

    def listen(connection):
        if app.world.exchanges > exchanges and READS not in connection.get_execution_options():
            happens(connection)

    event.listen(app.database.engine, "commit", listen)
    yield
    event.remove(app.database.engine, "commit", listen)


def fail(connection):
    raise OperationalError("COMMIT", {}, Exception("gone"))


@pytest.mark.parametrize("step", ["identities", "tokens", "commit"])
def test_dbf_04_a_write_that_fails_after_the_exchange_signs_nobody_in(new_app, database, step):
    app = new_app()
    gone = OperationalError("COMMIT", {}, Exception("gone"))
    if step == "commit":
        with commits_after_the_exchange(app, fail):
            unavailable(app)
    else:
        with listening_to_inserts(database, {"identities": identities, "tokens": tokens}[step], raises(gone)):
            unavailable(app)

    assert rows(database) == [0, 0, 0]
    assert len(app.world.network.to("revoke")) == 1
    app.signed_in(ADA)
    assert rows(database) == [1, 1, 1]
    assert len(app.world.network.to("revoke")) == 1


def test_dbf_04_the_token_of_somebody_known_is_left_where_a_write_fails(new_app, database):
    app = new_app()
    app.signed_in(ADA)
    before = checksum(database)
    with commits_after_the_exchange(app, fail):
        unavailable(app)

    assert checksum(database) == before
    assert app.world.network.to("revoke") == []


@pytest.mark.parametrize(
    "reply", [(503, b""), TimeoutError("slow"), OSError("reset"), (200, {"error": "invalid_request"})]
)
def test_dbf_04_a_revocation_that_fails_changes_nothing_and_the_log_has_a_line_without_the_token(
    new_app, database, reply
):
    app = new_app()
    app.world.network.replies["revoke"] = reply
    with commits_after_the_exchange(app, fail):
        unavailable(app)

    assert len(app.world.network.to("revoke")) == 1
    assert rows(database) == [0, 0, 0]
    assert "the token of a login that came to nothing is left to expire: ref=" in app.world.caplog.text


def test_dbf_04_nothing_is_revoked_where_the_settings_say_so(new_app, database):
    app = new_app(settings={"authkit.accounts.revoke": "no"})
    with commits_after_the_exchange(app, fail):
        unavailable(app)

    assert app.world.network.to("revoke") == []


def test_dbf_04_a_commit_whose_answer_is_lost_leaves_the_token_that_it_stored(new_app, database):
    app = new_app()

    def commit_and_lose_the_answer(connection):
        connection.connection.dbapi_connection.commit()
        raise OperationalError("COMMIT", {}, Exception("gone"))

    with commits_after_the_exchange(app, commit_and_lose_the_answer):
        unavailable(app)

    assert rows(database) == [1, 1, 1]
    assert app.world.network.to("revoke") == []


def test_dbf_04_a_database_that_is_gone_afterwards_leaves_the_token_and_the_log_has_a_line(new_app, database):
    app = new_app()

    def fail_from_now_on(connection):
        event.listen(database.engine, "engine_connect", fail)
        fail(connection)

    with commits_after_the_exchange(app, fail_from_now_on):
        app.become(ADA)
        browser = app.world.browser()
        answer = browser.get(app.world.callback(app.world.start(browser)), status=503)
    event.remove(database.engine, "engine_connect", fail)

    app.world.assert_refusal(answer_of(answer), "store_unavailable")
    assert (rows(database), app.world.network.to("revoke")) == ([0, 0, 0], [])
    assert "the token of a login that came to nothing is left to expire: ref=" in app.world.caplog.text


def test_dbf_04_the_token_of_a_link_that_fails_is_revoked_unless_somebody_has_the_identity(new_app, database):
    app = new_app()
    browser = app.signed_in(ADA)
    state = app.start_link(browser, "other")
    app.become(BEN)
    with commits_after_the_exchange(app, fail):
        browser.get(app.world.callback(state, "other"), status=503)

    assert len(app.world.network.to("revoke")) == 1
    app.link(browser, ADA, "other")
    app.link(browser, ADA, "other")
    assert len(app.world.network.to("revoke")) == 1


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
