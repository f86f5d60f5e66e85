"""Work in the app's own transaction: it lasts if, and only if, the app commits."""

from __future__ import annotations

import gc
import weakref

import pytest
import transaction
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from zope.sqlalchemy import register

from authkit.accounts import Database
from authkit.accounts.database import Joined, count_changed
from authkit.accounts.schema import claims


class App:
    """An app with an engine and a session of its own, in which nothing of authkit is set."""

    def __init__(self, database):
        self.database = database
        url = database.engine.url.render_as_string(hide_password=False)
        self.engine = create_engine(url, connect_args={"timeout": 1} if url.startswith("sqlite") else {})
        self.session = Session(self.engine)
        self.joined = Joined(lambda: self.session, database)
        self.called = []

    def tell_afterwards(self, what="committed"):
        self.joined.afterwards(lambda: self.called.append((what, self.engine.pool.checkedout())))

    def rows(self):
        """Return what everybody sees."""
        query = select(claims.c.digest).order_by(claims.c.digest)
        return self.database.read(lambda executor: list(executor.scalars(query)))


@pytest.fixture
def app(database):
    app = App(database)
    yield app
    app.session.close()
    assert app.engine.pool.checkedout() == 0
    app.engine.dispose()


def add(executor, digest="a"):
    executor.execute(insert(claims).values(digest=digest, expires_at=0))


def test_what_is_written_lasts_when_the_app_commits(app):
    app.joined.write(add)
    app.tell_afterwards()
    assert (app.rows(), app.called) == ([], [])

    app.session.commit()

    assert (app.rows(), app.called) == (["a"], [("committed", 0)])


def test_what_is_written_is_gone_when_the_app_rolls_back(app):
    app.joined.write(add)
    app.tell_afterwards()

    app.session.rollback()
    app.session.commit()

    assert (app.rows(), app.called) == ([], [])


def test_what_is_written_is_read_before_it_is_committed(app):
    app.joined.write(add)

    assert app.joined.read(lambda executor: list(executor.scalars(select(claims.c.digest)))) == ["a"]
    assert (app.rows(), app.joined.own is app.database) == ([], True)


def test_the_answer_of_the_work_is_returned_and_its_errors_are_raised(app):
    def work(executor):
        add(executor, "b")
        raise LookupError("not the database's business")

    assert app.joined.write(lambda executor: count_changed(executor, claims.delete())) == 0
    add(app.session, "app's own")
    with pytest.raises(LookupError, match="not the database's business"):
        app.joined.write(work)
    app.session.commit()

    assert app.rows() == ["app's own"]


def test_work_that_came_too_late_is_undone_and_done_again_and_what_the_app_wrote_stays(app):
    attempts = []

    def work(executor):
        attempts.append(1)
        add(executor, f"attempt {len(attempts)}")
        if len(attempts) == 1:
            add(executor, "attempt 1")
        return len(attempts)

    add(app.session, "app's own")
    assert app.joined.write(work) == 2
    app.session.commit()

    assert app.rows() == ["app's own", "attempt 2"]


@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_the_second_attempt_finds_what_somebody_else_has_added(app):
    app.session.execute(select(claims)).all()  # the app's transaction has begun, and will go on seeing this
    app.database.write(add)
    attempts = []

    def add_or_find(executor):
        attempts.append(1)
        if len(attempts) == 1:
            add(executor)
        return list(executor.scalars(select(claims.c.digest).with_for_update()))

    assert (app.joined.write(add_or_find), len(attempts)) == (["a"], 2)
    app.session.commit()
    assert app.rows() == ["a"]


def test_a_key_that_cannot_be_is_an_error_and_what_the_app_wrote_stays(app):
    add(app.session, "app's own")

    with pytest.raises(IntegrityError):
        app.joined.write(lambda executor: [add(executor) for _ in range(2)])
    app.session.commit()

    assert app.rows() == ["app's own"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_writing_takes_the_write_lock_of_sqlite_before_it_reads(app):
    """Otherwise what it has read may have changed when it comes to writing, which SQLite then refuses."""
    seen = []

    def work(executor):
        with app.engine.connect() as other, pytest.raises(OperationalError, match="database is locked"):
            other.execute(text("BEGIN IMMEDIATE"))
        seen.append(1)

    app.joined.write(work)
    assert seen == [1]


# Afterwards.


def test_afterwards_is_called_once_each_and_in_order(app):
    app.joined.write(add)
    app.tell_afterwards("first")
    app.tell_afterwards("second")
    app.session.commit()
    app.joined.write(lambda executor: add(executor, "b"))
    app.tell_afterwards("third")
    app.session.commit()
    app.session.commit()

    assert app.called == [("first", 0), ("second", 0), ("third", 0)]


def test_afterwards_waits_for_the_apps_commit_and_not_for_a_savepoint(app):
    with app.session.begin_nested():
        app.joined.write(add)
        app.tell_afterwards()
    assert app.called == []

    app.session.commit()

    assert app.called == [("committed", 0)]


def test_a_savepoint_that_is_rolled_back_takes_its_calls_along_and_no_others(app):
    app.joined.write(add)
    app.tell_afterwards("before")
    savepoint = app.session.begin_nested()
    app.joined.write(lambda executor: add(executor, "b"))
    app.tell_afterwards("within")
    with app.session.begin_nested():
        app.tell_afterwards("deep within")
    savepoint.rollback()
    app.tell_afterwards("after")
    app.session.commit()

    assert (app.rows(), app.called) == (["a"], [("before", 0), ("after", 0)])


def test_a_session_that_is_closed_forgets(app):
    app.joined.write(add)
    app.tell_afterwards()
    app.session.close()
    app.joined.write(lambda executor: add(executor, "b"))
    app.session.commit()

    assert (app.rows(), app.called) == (["b"], [])


def test_what_is_forgotten_is_not_kept(app):
    def callback():
        raise AssertionError("nothing was committed")

    known = weakref.ref(callback)
    app.joined.write(add)
    app.joined.afterwards(callback)
    del callback
    app.session.rollback()
    gc.collect()

    assert known() is None


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_commit_that_fails_calls_nothing(app):
    """PostgreSQL can be told to check a key at the commit."""
    with app.engine.begin() as connection:
        connection.execute(text("CREATE TABLE late (id INT UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
    try:
        app.joined.write(add)
        app.session.execute(text("INSERT INTO late VALUES (1), (1)"))
        app.tell_afterwards()
        with pytest.raises(IntegrityError):
            app.session.commit()
        app.session.rollback()
        app.session.commit()
    finally:
        with app.engine.begin() as connection:
            connection.execute(text("DROP TABLE late"))

    assert (app.rows(), app.called) == ([], [])


def test_two_joined_to_one_session_work_together(app):
    app.joined.write(add)
    app.tell_afterwards("first")
    Joined(lambda: app.session, app.database).afterwards(lambda: app.called.append("second"))
    app.session.commit()

    assert app.called == [("first", 0), "second"]


# zope.sqlalchemy, which commits a session when it has seen it write.


@pytest.fixture
def managed(app):
    """Give the app's transaction manager, which has its session in hand."""
    manager = transaction.TransactionManager(explicit=True)
    register(app.session, transaction_manager=manager)
    return manager


def test_a_managed_session_is_committed_although_only_we_wrote(app, managed):
    with managed:
        app.joined.write(add)
        app.tell_afterwards()

    assert (app.rows(), app.called) == (["a"], [("committed", 0)])


def test_a_managed_session_that_is_aborted_leaves_nothing_and_calls_nothing_later(app, managed):
    managed.begin()
    app.joined.write(add)
    app.tell_afterwards()
    managed.abort()
    with managed:
        app.joined.write(lambda executor: add(executor, "b"))

    assert (app.rows(), app.called) == (["b"], [])


def test_the_database_stays_usable_in_transactions_of_our_own(app):
    app.joined.read(lambda executor: executor.execute(select(claims)).all())
    app.joined.own.write(add)

    assert isinstance(app.joined.own, Database)
    assert app.rows() == ["a"]


def test_a_commit_that_fails_leaves_no_connection_of_ours_in_a_transaction(tmp_path):
    """zope.sqlalchemy then just closes the session; SQLite's transaction would stay, and with it its lock."""
    database = Database.open(f"sqlite:///{tmp_path / 'shared.sqlite'}")
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            "CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)"
        )
    manager = transaction.TransactionManager(explicit=True)
    manager.begin()
    session = Session(database.engine)
    register(session, transaction_manager=manager, initial_state="changed")
    session.execute(text("INSERT INTO children VALUES (99)"))
    with pytest.raises(IntegrityError):
        manager.commit()

    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM children")) == 0
    database.close()
