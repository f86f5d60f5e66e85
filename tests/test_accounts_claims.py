"""Claims in the database: of all who claim one thing, one gets it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from fakes import Clock
from race_world import runners
from sqlalchemy import insert, select, text

from authkit.accounts import Database, SqlClaims
from authkit.accounts.claims import is_claimed
from authkit.accounts.schema import claims
from authkit.errors import StoreUnavailable


@pytest.fixture
def store(database, clock):
    return SqlClaims(database, clock)


def digest(key):
    return sha256(key.encode()).hexdigest()


def rows(database):
    query = select(claims.c.digest, claims.c.expires_at).order_by(claims.c.expires_at)
    return [tuple(row) for row in database.read(lambda executor: executor.execute(query).all())]


def url_of(database):
    return database.engine.url.render_as_string(hide_password=False)


def test_a_key_is_claimed_once_and_kept_as_a_digest(store, database, clock):
    ends_at = clock() + 600

    assert [store.claim("canary-state", ends_at) for _ in range(3)] == [True, False, False]
    assert rows(database) == [(digest("canary-state"), int(ends_at))]


def test_keys_that_look_alike_are_claimed_apart(store, clock):
    assert [store.claim(key, clock() + 600) for key in ("a", "A", "a ", "\u00e9", "e\u0301")] == [True] * 5


def test_another_server_sees_what_is_claimed(store, database, clock):
    other = Database.open(url_of(database))
    store.claim("a", clock() + 600)

    assert SqlClaims(other, clock).claim("a", clock() + 600) is False
    other.close()


@pytest.mark.parametrize(("later", "is_free"), [(599, False), (600, True), (601, True)])
def test_a_claim_ends_at_its_end(store, database, clock, later, is_free):
    ends_at = int(clock()) + 600
    store.claim("a", ends_at)
    clock.now = ends_at - 600 + later

    assert store.claim("a", ends_at + 600) is is_free
    assert rows(database) == [(digest("a"), ends_at + 600 if is_free else ends_at)]


def test_no_claim_ends_before_what_it_guards(store, clock):
    ends_at = int(clock()) + 600.9
    store.claim("a", ends_at)
    clock.now = ends_at - 0.3

    assert store.claim("a", ends_at + 600) is False


def test_the_end_of_a_claim_is_rounded_up(store, database, clock):
    store.claim("a", int(clock()) + 600.1)

    assert rows(database) == [(digest("a"), int(clock()) + 601)]


def test_what_was_claimed_is_not_any_more_once_it_has_ended(store, database, clock):
    ends_at = int(clock()) + 600
    store.claim("a", ends_at)

    def is_still(now):
        return database.read(lambda executor: is_claimed(executor, digest("a"), now))

    assert [is_still(ends_at - 1), is_still(ends_at)] == [True, False]


def test_inp_04_claims_that_have_ended_are_deleted_once_a_minute(database, clock):
    now = int(clock())
    clock.now += 0.5

    def put(expires_at):
        row = insert(claims).values(digest=digest(str(expires_at)), expires_at=expires_at)
        database.write(lambda executor: executor.execute(row))

    for expires_at in (now - 1000, now - 1, now, now + 1):
        put(expires_at)
    store = SqlClaims(database, clock)
    store.claim("a", now + 600)
    assert [expires_at for _, expires_at in rows(database)] == [now, now + 1, now + 600]

    put(now - 1)
    store.claim("b", now + 601)
    assert [expires_at for _, expires_at in rows(database)] == [now - 1, now, now + 1, now + 600, now + 601]


def test_a_cleaning_that_fails_takes_nothing_from_a_claim(database, clock):
    """A row that was locked by somebody else, for example. Here, the database refuses to delete."""
    name = database.engine.dialect.name
    make, drop = REFUSALS[name]
    with database.engine.begin() as connection:
        connection.execute(insert(claims).values(digest=digest("old"), expires_at=1))
        for statement in make:
            connection.execute(text(statement))
    try:
        assert SqlClaims(database, clock).claim("a", clock() + 600) is True
        assert [found for found, _ in rows(database)] == [digest("old"), digest("a")]
    finally:
        with database.engine.begin() as connection:
            for statement in drop:
                connection.execute(text(statement))


REFUSALS = {
    "sqlite": (
        [
            "CREATE TRIGGER refuse BEFORE DELETE ON authkit_claims BEGIN SELECT RAISE(ABORT, 'refused'); END",
        ],
        ["DROP TRIGGER refuse"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'refused'; END $$ LANGUAGE plpgsql",
            "CREATE TRIGGER refuse BEFORE DELETE ON authkit_claims FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
        ["DROP TRIGGER refuse ON authkit_claims", "DROP FUNCTION refuse"],
    ),
    "mysql": (
        [
            "CREATE TRIGGER refuse BEFORE DELETE ON authkit_claims FOR EACH ROW "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'",
        ],
        ["DROP TRIGGER refuse"],
    ),
}


def test_a_database_that_fails_is_said_to(empty_database_url, clock):
    database = Database.open(empty_database_url)

    with pytest.raises(StoreUnavailable, match="run: authkit db upgrade"):
        SqlClaims(database, clock).claim("a", clock() + 600)
    database.close()


THREADS = 8


def race(database, claim):
    """Let threads call `claim` at the same moment, and return what each was told."""
    at_once = threading.Barrier(THREADS, timeout=30)

    def run(number):
        at_once.wait()
        return claim(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_of_many_threads_one_wins(store, database, clock):
    for round_number in range(10):
        told = race(database, lambda number, key=str(round_number): store.claim(key, clock() + 600))
        assert sorted(told) == [False] * (THREADS - 1) + [True]

    assert len(rows(database)) == 10


def test_of_many_threads_one_takes_over_what_has_ended(store, database, clock):
    for round_number in range(10):
        store.claim(f"key {round_number}", clock() + 5)
    clock.now += 10
    for round_number in range(10):
        told = race(database, lambda number, key=f"key {round_number}": store.claim(key, clock() + 600))
        assert sorted(told) == [False] * (THREADS - 1) + [True]


def make_store(url):
    return SqlClaims(Database.open(url), Clock())


def claim_fifty(store, _):
    return [key for key in range(50) if store.claim(f"key {key}", Clock()() + 600)]


@pytest.mark.slow
def test_of_many_processes_one_wins(database):
    with runners(make_store, claim_fifty, url_of(database), processes=4, threads=1) as running:
        outcomes = running.run([""] * 4)

    assert [outcome.failure for outcome in outcomes] == [""] * 4
    assert sorted(key for outcome in outcomes for key in outcome.returned) == list(range(50))
    assert len(rows(database)) == 50


def test_the_clock_is_asked_at_each_claim(database):
    clock = Clock()
    store = SqlClaims(database, clock)
    first = store.claim("a", clock() + 5)
    clock.now += 5

    assert (first, store.claim("a", clock() + 5)) == (True, True)
