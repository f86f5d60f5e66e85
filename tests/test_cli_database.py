"""``authkit db``: what it prints, and the status that it ends with."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from cli_world import environment, run, run_process
from fakes import SECRET

from authkit.accounts import Database, metadata
from authkit.accounts.migrate import VERSION_TABLE

FINE = "The tables are as they should be (revision 0002).\n"
NO_TABLES = "There are no tables yet, run: authkit db upgrade\n"


def write_ini(folder, url):
    path = folder / "app.ini"
    path.write_text(
        f"[app:main]\nauthkit.secret = {SECRET}\nauthkit.base_url = https://app.example\n"
        f"authkit.tiktok.client_key = key\nauthkit.tiktok.client_secret = canary-secret\n"
        f"authkit.accounts.database = {url}\n"
    )
    return str(path)


def told(*args, **env):
    result = run(*args, **env)
    return result.exit_code, result.output


def test_the_tables_are_made_and_found_fine(empty_database_url):
    option = f"--database={empty_database_url}"

    assert told("db", "check", option) == (1, NO_TABLES)
    assert told("db", "current", option) == (0, "none\n")
    assert told("db", "upgrade", option) == (0, "The tables are at revision 0002.\n")
    assert told("db", "upgrade", option) == (0, "The tables are at revision 0002, as before.\n")
    assert told("db", "current", option) == (0, "0002\n")
    assert told("db", "check", option) == (0, FINE)


def test_the_apps_settings_say_which_database(tmp_path):
    ini = write_ini(tmp_path, f"sqlite:///{tmp_path}/authkit.sqlite")

    assert told("db", "upgrade", "--ini", ini) == (0, "The tables are at revision 0002.\n")
    assert told("db", "current", "--ini", ini) == (0, "0002\n")
    assert told("db", "check", "--ini", ini) == (0, FINE)
    assert (tmp_path / "authkit.sqlite").exists()


def test_so_does_the_environment(tmp_path):
    settings = {
        "AUTHKIT_SECRET": SECRET,
        "AUTHKIT_BASE_URL": "https://app.example",
        "AUTHKIT_TIKTOK_CLIENT_KEY": "key",
        "AUTHKIT_TIKTOK_CLIENT_SECRET": "canary-secret",
        "AUTHKIT_ACCOUNTS_DATABASE": f"sqlite:///{tmp_path}/authkit.sqlite",
    }

    assert told("db", "upgrade", **settings) == (0, "The tables are at revision 0002.\n")
    assert told("db", "check", **settings) == (0, FINE)


def test_without_settings_and_without_a_url_the_first_missing_setting_is_named():
    status, output = told("db", "check")

    assert (status, output.splitlines()[0].startswith("Error: authkit.secret is missing")) == (1, True)
    assert output.endswith("(settings of an ini file: --ini FILE)\n")
    assert len(output.splitlines()) == 1


def test_what_is_missing_in_an_ini_file_is_named_without_that_hint(tmp_path):
    ini = tmp_path / "app.ini"
    ini.write_text("[app:main]\nauthkit.base_url = https://app.example\n")

    status, output = told("db", "check", "--ini", str(ini))

    assert (status, output.startswith("Error: authkit.secret is missing"), "--ini" in output) == (1, True, False)


def test_a_url_and_settings_are_not_taken_together(tmp_path):
    ini = write_ini(tmp_path, "sqlite:///nowhere.sqlite")

    status, output = told("db", "check", "--ini", ini, "--database", "sqlite:///x.sqlite")

    assert (status, output.splitlines()[-1]) == (2, "Error: give --ini or --database, not both")


def test_what_is_wrong_is_said_with_status_1(tmp_path):
    url = f"sqlite:///{tmp_path}/authkit.sqlite"
    database = Database.open(url)
    metadata.create_all(database.engine)
    metadata.tables["authkit_revocations"].drop(database.engine)

    status, output = told("db", "check", "--database", url)
    assert (status, output.startswith("The tables are not as they should be (not made by authkit db upgrade)")) == (
        1,
        True,
    )
    assert "table authkit_revocations is missing" in output

    assert told("db", "upgrade", "--database", url)[0] == 0
    with database.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    assert told("db", "check", "--database", url) == (
        1,
        "The tables are at revision 9999, which this authkit does not know: a newer one was here.\n",
    )
    status, output = told("db", "upgrade", "--database", url)
    assert (status, output.count("\n"), output.startswith("Error: the tables cannot be upgraded")) == (1, 1, True)
    database.close()


@pytest.mark.parametrize("command", ["upgrade", "current", "check"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://ada:canary-pass@127.0.0.1:1/app", "Error: the database failed: OperationalError"),
        ("mysql://ada:canary-pass@127.0.0.1:1/app", "Error: the database failed: OperationalError"),
        ("mysql://ada:canary-pass@127.0.0.1:1/app?nonsense=1", "Error: the driver cannot use"),
        ("postgresql://ada:canary@-pass@127.0.0.1/app", "Error: authkit.accounts.database: write an @"),
        ("postgresql+psycopg2://ada:canary-pass@127.0.0.1/app", "pip install 'psycopg2-binary'"),
        ("canary-pass", "Error: authkit.accounts.database is no database URL"),
        ("sqlite://", "Error: authkit.accounts.database: give SQLite a file"),
        ("sqlite:////nowhere/authkit.sqlite", "Error: the database failed: OperationalError"),
    ],
)
def test_an_error_is_one_line_without_the_password(command, url, words):
    status, output = told("db", command, "--database", url)

    assert (status, output.count("\n"), words in output) == (1, 1, True)
    assert "canary" not in output
    assert "-pass" not in output


def test_the_command_runs_in_a_process_of_its_own(tmp_path):
    url = f"sqlite:///{tmp_path}/authkit.sqlite"

    upgraded = run_process("db", "upgrade", "--database", url)
    checked = run_process("db", "check", "--database", url)

    assert (upgraded.returncode, upgraded.stdout, upgraded.stderr) == (0, "The tables are at revision 0002.\n", "")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, FINE, "")


WITHOUT = "import sys; sys.modules[{library!r}] = None; from authkit.cli import main; sys.argv[0] = 'authkit'; main()"


def run_without(library, *args):
    """Run a command as if a library were not installed."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(library=library), *args],
        env=environment(COLUMNS="160"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("library", ["sqlalchemy", "alembic"])
@pytest.mark.parametrize("args", [("--database=sqlite:///x.sqlite",), ()])
def test_without_the_extra_the_command_says_how_to_get_it(library, args):
    done = run_without(library, "db", "check", *args)

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'\n",
    )


@pytest.mark.parametrize("args", [("plugins",), ("--help",), ("db", "--help"), ("emulate", "tiktok", "--list")])
def test_without_the_extra_the_other_commands_run(args):
    done = run_without("sqlalchemy", *args)

    assert (done.returncode, done.stderr) == (0, "")
