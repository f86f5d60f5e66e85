"""The migrations: what they make is what the code expects, and what was stored before stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from account_world import AccountWorld
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from migration_samples import IDENTITY, SAMPLES, put_samples

import authkit.accounts
from authkit.accounts import Database, SqlClaims, metadata
from authkit.accounts.engines import Limits
from authkit.accounts.migrate import LOCATION, VERSION_TABLE, Condition, State, check, current, upgrade
from authkit.errors import StoreUnavailable

MIGRATIONS = Path(authkit.accounts.__file__).parent / "migrations"
HURRIED = Limits(connect=2, lock=1, statement=0)


def script_directory():
    config = Config()
    config.set_main_option("script_location", LOCATION)
    return ScriptDirectory.from_config(config)


REVISIONS = [found.revision for found in reversed(list(script_directory().walk_revisions()))]
HEAD = REVISIONS[-1]


@pytest.fixture
def database(empty_database_url):
    """Give an empty database, in SQLite, PostgreSQL and MariaDB."""
    database = Database.open(empty_database_url)
    yield database
    assert database.engine.pool.checkedout() == 0
    database.close()


def execute(database, *statements):
    with database.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def tables_in(database):
    return set(sa.inspect(database.engine).get_table_names())


# What the migrations make.


def test_an_upgrade_makes_what_the_code_expects(database):
    upgrade(database)

    assert tables_in(database) == {*metadata.tables, VERSION_TABLE}
    assert (current(database), check(database)) == (HEAD, Condition(State.FINE, HEAD))


DESCRIBE = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE tbl_name = '{}' ORDER BY name",
    "postgresql": (
        "SELECT column_name, data_type, character_maximum_length, collation_name, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = '{0}'"
        " UNION ALL SELECT conname, pg_get_constraintdef(oid), 0, '', '', '' FROM pg_constraint"
        " WHERE conrelid = '{0}'::regclass UNION ALL SELECT indexname, indexdef, 0, '', '', '' FROM pg_indexes"
        " WHERE tablename = '{0}' ORDER BY 1, 2"
    ),
    "mysql": "SHOW CREATE TABLE {}",
}


def described(database):
    """Return all that the database itself says of our tables."""
    query = DESCRIBE[database.engine.dialect.name]
    with database.engine.connect() as connection:
        return {
            name: [
                sorted(line.strip(" ,") for line in "\n".join(map(str, row)).splitlines())
                for row in connection.exec_driver_sql(query.format(name))
            ]
            for name in metadata.tables
        }


def test_to_the_last_collation(database):
    upgrade(database)
    migrated = described(database)
    metadata.drop_all(database.engine)
    metadata.create_all(database.engine)

    assert migrated == described(database)


def test_an_upgrade_can_be_done_again(database):
    upgrade(database)
    with database.engine.begin() as connection:
        put_samples(connection, HEAD)
    upgrade(database)

    assert check(database) == Condition(State.FINE, HEAD)
    assert AccountWorld(database).accounts.get("account-1") is not None


def test_an_upgrade_knows_the_password_of_a_server(servers, tmp_path):
    url = sa.make_url(servers.new_url("mariadb", tmp_path))
    servers.execute("mariadb", f"CREATE USER {url.database}@'%%' IDENTIFIED BY 'pass'")
    servers.execute("mariadb", f"GRANT ALL ON {url.database}.* TO {url.database}@'%%'")
    database = Database.open(url.set(username=url.database, password="pass").render_as_string(hide_password=False))

    try:
        upgrade(database)
        assert check(database).is_fine
    finally:
        database.close()
        servers.execute("mariadb", f"DROP USER {url.database}@'%%'")


def test_an_upgrade_goes_on_where_a_crash_ended_another(database):
    """MariaDB commits each table as it is made, and no crash can take it back."""
    metadata.create_all(database.engine)
    metadata.tables["authkit_revocations"].drop(database.engine)
    index = next(iter(metadata.tables["authkit_claims"].indexes))
    index.drop(database.engine)

    upgrade(database)

    assert check(database) == Condition(State.FINE, HEAD)


def test_an_upgrade_leaves_no_lock_and_no_setting_behind(database):
    upgrade(database)
    upgrade(database, limits=HURRIED)
    asked = {"postgresql": "SHOW statement_timeout", "mysql": "SELECT @@max_statement_time", "sqlite": "SELECT 1"}

    with database.engine.connect() as connection:
        answer = connection.exec_driver_sql(asked[connection.dialect.name]).scalar()
    assert answer in ("10s", 10, 1)


# Every released revision.


def test_every_revision_has_samples_of_every_table(database):
    assert list(SAMPLES) == REVISIONS
    for revision in REVISIONS:
        upgrade(database, revision)
        assert set(SAMPLES[revision]) == tables_in(database) - {VERSION_TABLE}


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_any_revision_stored_is_there_after_an_upgrade(database, revision):
    upgrade(database, revision)
    assert current(database) == revision
    with database.engine.begin() as connection:
        put_samples(connection, revision)

    upgrade(database)

    assert check(database) == Condition(State.FINE, HEAD)
    world = AccountWorld(database)
    (linked,) = world.accounts.identities("account-1")
    account = world.accounts.of(IDENTITY)
    assert (account.id, account.display_name, account.is_disabled) == ("account-1", "Ada \u00c9 \U0001f600", False)
    assert (linked.identity, linked.email, linked.email_verified) == (IDENTITY, "ada@acme.example", True)
    assert world.accounts.with_union_id("acme", "union-1") == (linked,)
    token = world.vault.token(IDENTITY)
    assert (token.access_token.reveal(), token.refresh_token.reveal()) == (
        "canary-access-token",
        "canary-refresh-token",
    )
    assert (str(token.expires_at), token.scope) == ("2035-01-01 00:00:00+00:00", ("profile", "email"))
    assert world.revocations.count() == 1
    assert [pending.id for pending in world.revocations.due()] == [5]
    assert SqlClaims(database, world.clock).claim("claimed", 4_100_000_000) is False
    assert not world.accounts.sign_in(world.login()).is_new
    events = sa.select(metadata.tables["authkit_audit"].c.event).order_by(metadata.tables["authkit_audit"].c.id)
    assert database.read(lambda executor: list(executor.scalars(events))) == ["created", "signed_in"]


# What is wrong.


def test_an_empty_database_has_no_tables(database):
    assert (current(database), check(database)) == (None, Condition(State.NO_TABLES))


def test_tables_of_the_app_are_none_of_our_business(database):
    execute(database, "CREATE TABLE users (id INT)", "CREATE TABLE authkit_users (id INT)")
    assert check(database) == Condition(State.NO_TABLES)

    upgrade(database)

    assert check(database) == Condition(State.FINE, HEAD)


def test_a_newer_revision_is_unknown_and_is_left_alone(database):
    upgrade(database)
    execute(database, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")

    assert check(database) == Condition(State.UNKNOWN_REVISION, "9999")
    with pytest.raises(StoreUnavailable, match=r"cannot be upgraded.*9999"):
        upgrade(database)
    assert current(database) == "9999"


def test_a_revision_that_is_none_is_refused(database):
    with pytest.raises(StoreUnavailable, match=r"cannot be upgraded.*nope"):
        upgrade(database, "nope")

    assert check(database) == Condition(State.NO_TABLES)


WRONG = sa.MetaData()
sa.Table(
    "authkit_claims",
    WRONG,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("expires_at", sa.String(20)),
    sa.Column("extra", sa.Integer),
    sa.Index("ix_extra", "extra"),
)


def test_tables_that_are_not_as_they_should_be_are_named(database):
    WRONG.create_all(database.engine)
    metadata.create_all(database.engine)
    metadata.tables["authkit_audit"].drop(database.engine)

    assert check(database) == Condition(
        State.DIFFERENT,
        None,
        (
            "column authkit_claims.extra is not known here",
            "index ix_authkit_audit_account_id is missing",
            "index ix_authkit_audit_at is missing",
            "index ix_authkit_audit_identity is missing",
            "index ix_authkit_claims_expires_at is missing",
            "index ix_extra is not known here",
            "table authkit_audit is missing",
            "the nullable of authkit_claims.expires_at differs",
            "the type of authkit_claims.expires_at differs",
        ),
    )


def test_tables_that_went_after_an_upgrade_are_missing(database):
    upgrade(database)
    metadata.drop_all(database.engine)

    found = check(database)

    assert (found.state, found.revision) == (State.DIFFERENT, HEAD)
    assert {f"table {name} is missing" for name in metadata.tables} <= set(found.differences)


@pytest.mark.parametrize(
    ("condition", "is_fine", "words"),
    [
        (Condition(State.FINE, "0001"), True, "The tables are as they should be (revision 0001)."),
        (Condition(State.FINE), True, "The tables are as they should be (not made by authkit db upgrade)."),
        (Condition(State.NO_TABLES), False, "There are no tables yet, run: authkit db upgrade"),
        (Condition(State.BEHIND, "0001"), False, "The tables are behind (revision 0001), run: authkit db upgrade"),
        (
            Condition(State.UNKNOWN_REVISION, "9999"),
            False,
            "The tables are at revision 9999, which this authkit does not know: a newer one was here.",
        ),
        (
            Condition(State.DIFFERENT, "0001", ("table a is missing", "table b is missing")),
            False,
            "The tables are not as they should be (revision 0001): table a is missing; table b is missing",
        ),
    ],
)
def test_every_condition_says_what_to_do(condition, is_fine, words):
    assert (condition.is_fine, str(condition)) == (is_fine, words)


# A revision to come.

NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", {head!r}, None, None

def upgrade():
    op.add_column("authkit_accounts", sa.Column("extra", sa.Integer))
    {then}
"""


@pytest.fixture
def make_next(tmp_path):
    """Give what makes the migrations as they will be once there is another one, which ends in what is given."""

    def make(then="pass"):
        folder = tmp_path / "100% migrations"
        shutil.copytree(MIGRATIONS, folder)
        (folder / "versions" / "next.py").write_text(NEXT.format(head=HEAD, then=then))
        return str(folder)

    return make


def test_tables_of_an_older_authkit_are_behind_until_they_are_upgraded(database, make_next):
    location = make_next()
    upgrade(database)
    assert check(database, location=location) == Condition(State.BEHIND, HEAD)

    upgrade(database, location=location)

    assert current(database) == "next"
    assert check(database, location=location) == Condition(
        State.DIFFERENT, "next", ("column authkit_accounts.extra is not known here",)
    )
    assert check(database) == Condition(State.UNKNOWN_REVISION, "next")


def test_a_migration_that_fails_is_not_counted(database, make_next):
    upgrade(database)
    location = make_next("op.execute('SELECT * FROM nowhere')")

    with pytest.raises(StoreUnavailable, match="nowhere"):
        upgrade(database, location=location)

    assert current(database) == HEAD
    columns = {column["name"] for column in sa.inspect(database.engine).get_columns("authkit_accounts")}
    # MariaDB cannot take a column back; there, a migration has to bear being done again.
    assert ("extra" in columns) == (database.engine.dialect.name == "mysql")


# Two at once.

UPGRADER = """
import sys
from authkit.accounts import Database
from authkit.accounts.migrate import upgrade

database = Database.open(sys.argv[1])
print("ready", flush=True)
upgrade(database)
"""
LOCK = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_lock(hashtext('authkit db upgrade'))",
    "mysql": "SELECT GET_LOCK(CONCAT('authkit ', MD5(DATABASE())), 0)",
}
WAITING = {
    "postgresql": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()",
}


@pytest.mark.slow
def test_of_two_processes_that_upgrade_at_once_one_waits(database):
    """Both are kept waiting until both are there; then they start at the same moment."""
    url = database.engine.url.render_as_string(hide_password=False)
    with database.engine.execution_options(authkit_reads=True).connect() as first:
        first.exec_driver_sql(LOCK[first.dialect.name])
        running = [
            subprocess.Popen([sys.executable, "-c", UPGRADER, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)
        ]
        for process in running:
            assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 60
        while first.dialect.name in WAITING and first.exec_driver_sql(WAITING[first.dialect.name]).scalar() < 2:
            assert time.monotonic() < deadline, "the upgrades do not wait"
            time.sleep(0.05)
        assert [process.poll() for process in running] == [None, None]
        assert check(database) == Condition(State.NO_TABLES)
        first.rollback()
        first.invalidate()

    ended = [(process.communicate(timeout=100)[1], process.returncode) for process in running]

    assert ended == [(b"", 0), (b"", 0)]
    assert check(database) == Condition(State.FINE, HEAD)


def test_an_upgrade_that_has_to_wait_too_long_says_so(database):
    with database.engine.execution_options(authkit_reads=True).connect() as first:
        first.exec_driver_sql(LOCK[first.dialect.name])
        with pytest.raises(StoreUnavailable):
            upgrade(database, limits=HURRIED)
        first.rollback()
        first.invalidate()

    assert check(database) == Condition(State.NO_TABLES)
    upgrade(database, limits=HURRIED)
    assert check(database) == Condition(State.FINE, HEAD)


# An app that has an Alembic of its own.

ENV = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table

import authkit.accounts

users = MetaData()
Table("users", users, Column("id", Integer, primary_key=True))

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, {options})
    with context.begin_transaction():
        context.run_migrations()
"""
TOGETHER = "target_metadata=[users, authkit.accounts.metadata]"
APART = (
    "target_metadata=users,"
    " include_name=lambda name, kind, parents: kind != 'table' or not name.startswith('authkit_')"
)


@pytest.fixture
def make_app(tmp_path, database):
    """Give what makes the Alembic environment of an app, with one option or the other."""

    def make(options):
        config = Config()
        config.attributes["engine"] = database.engine
        config.set_main_option("script_location", str(tmp_path / "app"))
        generic = Path(command.__file__).parent / "templates" / "generic" / "script.py.mako"
        (tmp_path / "app" / "versions").mkdir(parents=True)
        (tmp_path / "app" / "env.py").write_text(ENV.format(options=options))
        mako = generic.read_text().replace(
            "import sqlalchemy as sa\n", "import sqlalchemy as sa\nimport authkit.accounts.columns\n"
        )
        (tmp_path / "app" / "script.py.mako").write_text(mako)
        return config

    return make


def changes_in(config, message):
    """Let Alembic write a revision, and return its path."""
    return Path(command.revision(config, message, autogenerate=True).path)


def test_an_app_can_have_our_tables_in_its_own_migrations(database, make_app):
    config = make_app(TOGETHER)
    first = changes_in(config, "first").read_text()
    assert [name for name in (*metadata.tables, "users") if f"op.create_table('{name}'" not in first] == []

    command.upgrade(config, "head")

    assert tables_in(database) == {*metadata.tables, "users", "alembic_version"}
    assert check(database) == Condition(State.FINE, None)
    second = changes_in(config, "second").read_text()
    assert "op." not in second.partition("def upgrade")[2]
    world = AccountWorld(database)
    assert world.accounts.sign_in(world.login()).is_new


def test_an_app_can_leave_our_tables_to_us(database, make_app):
    upgrade(database)
    config = make_app(APART)
    first = changes_in(config, "first").read_text()
    assert "op.create_table('users'" in first
    assert "authkit_" not in first.partition("def upgrade")[2]

    command.upgrade(config, "head")

    assert tables_in(database) == {*metadata.tables, "users", "alembic_version", VERSION_TABLE}
    assert check(database) == Condition(State.FINE, HEAD)


def test_tables_of_an_app_can_be_taken_over_later(database, make_app):
    config = make_app(TOGETHER)
    changes_in(config, "first")
    command.upgrade(config, "head")

    upgrade(database)

    assert check(database) == Condition(State.FINE, HEAD)


def test_a_new_revision_can_be_written(database, tmp_path):
    """What a developer of authkit does after a change of the schema."""
    shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    upgrade(database)
    execute(database, "DROP TABLE authkit_claims")
    config = Config()
    config.set_main_option("script_location", str(tmp_path / "migrations"))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        made = Path(command.revision(config, "claims again", autogenerate=True, rev_id="0099").path)

    text = made.read_text()
    assert text.startswith('"""claims again."""\n')
    assert f"revision = '0099'\ndown_revision = '{HEAD}'\n" in text
    assert "op.create_table('authkit_claims'" in text
    compile(text, made.name, "exec")
