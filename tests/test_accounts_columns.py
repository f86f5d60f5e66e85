"""The types of the columns, and the database's clock, in every database."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, UniqueConstraint, func, insert, select, text
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.dialects.mysql.pymysql import MySQLDialect_pymysql
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from authkit.accounts import Database
from authkit.accounts.columns import Exact, Moment, RowNumber, database_time

LOOKALIKES = (
    *("AbC", "abc", "ABC", "abc ", " abc", "abc  "),
    *("\u00e9", "e\u0301", "e", "\u00c9"),
    *("\uff41\uff42\uff43", "\u00df", "ss", "\u0130", "i", "\u0131", "\u212a", "K", "k"),
    *("\U0001f600", "\U0001f601", "\U0001f468\u200d\U0001f469", "\u200d", "a\u00ad", "a"),
    *("x" * 255, "x" * 254 + "y", "\U0001f600" * 255, "\U0001f600" * 254 + "\U0001f601"),
)

metadata = MetaData()
texts = Table(
    "texts", metadata, Column("id", Integer, primary_key=True), Column("key", Exact()), UniqueConstraint("key")
)
moments = Table("moments", metadata, Column("id", Integer, primary_key=True), Column("at", Moment))


@pytest.fixture
def made(empty_database_url):
    """Give a database with the tables of these tests in it."""
    database = Database.open(empty_database_url)
    metadata.create_all(database.engine)
    yield database
    database.close()


def add_key(key):
    return lambda executor: executor.execute(insert(texts).values(key=key))


def test_texts_that_look_alike_are_kept_side_by_side_and_found_each_by_itself(made):
    for key in LOOKALIKES:
        made.write(add_key(key))

    found = {
        key: made.read(
            lambda executor, key=key: executor.execute(select(texts.c.key).where(texts.c.key == key)).all()
        )
        for key in LOOKALIKES
    }

    assert found == {key: [(key,)] for key in LOOKALIKES}


def test_several_of_them_are_found_at_once(made):
    for key in LOOKALIKES:
        made.write(add_key(key))

    found = made.read(
        lambda executor: executor.scalars(select(texts.c.key).where(texts.c.key.in_(["abc", "e"]))).all()
    )

    assert sorted(found) == ["abc", "e"]


@pytest.mark.parametrize("key", ["AbC", "abc ", "e\u0301", "\U0001f600" * 255])
def test_the_same_text_is_there_once(made, key):
    made.write(add_key(key))

    with pytest.raises(IntegrityError), made.engine.begin() as connection:
        add_key(key)(connection)


def test_no_text_is_no_text(made):
    made.write(add_key(None))
    made.write(add_key(""))

    assert made.read(lambda executor: executor.scalars(select(texts.c.key).order_by(texts.c.id)).all()) == [None, ""]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (datetime(2030, 1, 2, 3, 4, 5, 999999, timezone.utc), datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)),
        (
            datetime(2030, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=2))),
            datetime(2029, 12, 31, 22, 30, tzinfo=timezone.utc),
        ),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc),) * 2,
        (None, None),
    ],
)
def test_a_moment_comes_back_in_utc_and_in_whole_seconds(made, given, kept):
    made.write(lambda executor: executor.execute(insert(moments).values(at=given)))

    assert made.read(lambda executor: executor.execute(select(moments.c.at)).scalar_one()) == kept


def test_moments_are_compared_whatever_their_zone(made):
    noon = datetime(2030, 6, 1, 12, tzinfo=timezone.utc)
    made.write(lambda executor: executor.execute(insert(moments).values(at=noon)))

    def is_before(limit):
        query = select(moments.c.id).where(moments.c.at < limit)
        return made.read(lambda executor: executor.execute(query).one_or_none()) is not None

    east = timezone(timedelta(hours=5))
    assert not is_before(noon.astimezone(east))
    assert is_before((noon + timedelta(seconds=1)).astimezone(east))


DIALECTS = {
    "sqlite": SQLiteDialect_pysqlite(),
    "postgresql": PGDialect_psycopg(),
    "mysql": MySQLDialect_pymysql(),
    "mariadb": MariaDBDialect(),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sqlite", "VARCHAR(40)"),
        ("postgresql", 'VARCHAR(40) COLLATE "C"'),
        ("mysql", "VARBINARY(160)"),
        ("mariadb", "VARBINARY(160)"),
    ],
)
def test_a_text_of_a_key_is_kept_as_what_is_compared_byte_by_byte(name, kind):
    table = Table("kept", MetaData(), Column("one", Exact(40)), Column("other", Exact()))
    made = str(CreateTable(table).compile(dialect=DIALECTS[name]))

    assert f"\tone {kind}," in made
    assert kind.replace("160", "1020").replace("40", "255") in made


@pytest.mark.parametrize(
    ("name", "given"),
    [("sqlite", "\u00e9"), ("postgresql", "\u00e9"), ("mysql", b"\xc3\xa9"), ("mariadb", b"\xc3\xa9")],
)
def test_a_driver_gets_bytes_where_texts_would_be_folded(name, given):
    bind = Exact().dialect_impl(DIALECTS[name])

    assert bind.process_bind_param("\u00e9", DIALECTS[name]) == given
    assert bind.process_bind_param(None, DIALECTS[name]) is None
    assert bind.process_result_value(given, DIALECTS[name]) == "\u00e9"


@pytest.mark.parametrize("column", [texts.c.key, moments.c.at, database_time()], ids=["text", "moment", "time"])
def test_a_statement_is_compiled_once(column):
    assert select(column)._generate_cache_key() is not None


def test_a_driver_gets_a_moment_without_a_zone():
    noon = datetime(2030, 6, 1, 12, 0, 0, 5, timezone(timedelta(hours=2)))

    assert Moment().process_bind_param(noon, DIALECTS["postgresql"]) == datetime(2030, 6, 1, 10)  # noqa: DTZ001 - so it is kept


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("sqlite", "CAST(strftime('%s', 'now') AS INTEGER)"),
        ("postgresql", "CAST(extract(epoch from clock_timestamp()) AS BIGINT)"),
        ("mysql", "unix_timestamp(sysdate())"),
        ("mariadb", "unix_timestamp(sysdate())"),
    ],
)
def test_a_database_is_asked_for_its_own_time_in_its_own_words(name, asked):
    assert str(select(database_time()).compile(dialect=DIALECTS[name])) == f"SELECT {asked} AS database_time_1"


@pytest.mark.parametrize(("name", "kind"), [("sqlite", "INTEGER"), ("postgresql", "BIGINT"), ("mysql", "BIGINT")])
def test_sqlite_counts_up_what_is_a_plain_integer_there(name, kind):
    assert RowNumber.compile(dialect=DIALECTS[name]) == kind


def test_the_databases_clock_is_right_whatever_the_sessions_time_zone(database):
    zones = {"postgresql": "SET TIME ZONE 'Pacific/Kiritimati'", "mysql": "SET time_zone = '+13:00'"}

    with database.engine.connect() as connection:
        if database.engine.dialect.name in zones:
            connection.execute(text(zones[database.engine.dialect.name]))
        told = connection.execute(select(database_time())).scalar_one()
        connection.rollback()
        connection.invalidate()  # nobody else shall have this time zone

    assert type(told) is int
    assert abs(told - time.time()) < 5


def test_the_databases_clock_moves_on_within_a_transaction(database):
    def work(executor):
        began = executor.execute(select(database_time())).scalar_one()
        deadline = time.monotonic() + 10
        while (now := executor.execute(select(database_time())).scalar_one()) == began:
            assert time.monotonic() < deadline, "the clock stands still"
            time.sleep(0.05)
        return now - began

    assert database.write(work) > 0


@pytest.mark.slow
@pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
def test_the_databases_clock_moves_on_within_a_statement(database):
    """One that has waited for a lock shall see the time at which it got it."""
    sleep = {"postgresql": func.pg_sleep, "mysql": func.sleep}[database.engine.dialect.name]
    query = select(database_time(), sleep(1.5), database_time())

    began, _, ended = database.read(lambda executor: executor.execute(query).one())

    assert ended > began
