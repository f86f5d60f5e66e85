"""``authkit tokens``: what an operator does with stored tokens."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cli_world import environment, run, running
from fakes import SECRET, Browser
from rich.console import Console
from sqlalchemy import select, update

from authkit import AuthKit
from authkit.accounts import Accounts, Database, Vault, metadata
from authkit.accounts.bulk import FAILURES_IN_A_ROW, Result
from authkit.accounts.schema import identities, revocations, tokens
from authkit.cli.amounts import say_time
from authkit.cli.interruption import Interruption
from authkit.cli.progress import progress
from authkit.emulator import serve
from authkit_tiktok.emulator import TikTokEmulator, TikTokSwitches, User

DAY = 86400
LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
OLD, NEW = "the-old-key-of-the-vault-of-this-app", "the-new-key-of-the-vault-of-this-app"


class Site:
    """An app that signs people in at an emulated TikTok, and its ini file.

    Attributes:
        ini: the name of the file.
        switches: what the emulator does otherwise.
    """

    def __init__(self, folder, *, people=3, **switches):
        users = [User(open_id=f"o{n}", union_id=f"u{n}", display_name="P", username=f"p{n}") for n in range(people)]
        self.emulator = TikTokEmulator(users=users, switches=TikTokSwitches(**{"refresh_lifetime": DAY, **switches}))
        self.server = serve(self.emulator, port=0)
        self.ini = folder / "app.ini"
        self.settings = {
            "authkit.secret": SECRET,
            "authkit.base_url": "http://127.0.0.1:6543",
            "authkit.accounts.database": f"sqlite:///{folder / 'app.sqlite'}",
            **{f"authkit.tiktok.{name}": value for name, value in self.emulator.settings(self.server.origin).items()},
        }
        self.configure()
        with self.opened() as database:
            metadata.create_all(database.engine)

    def configure(self, **changes):
        """Write the ini file, with changed settings."""
        self.settings.update({f"authkit.{name}": value for name, value in changes.items()})
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        self.ini.write_text("\n".join(["[app:main]", *lines]), encoding="utf-8")

    def kit(self):
        return AuthKit.from_settings(self.settings, environ={})

    def opened(self):
        return closing(Database.open(self.settings["authkit.accounts.database"]))

    def sign_in_all(self):
        """Sign everybody in, and return their identities."""
        kit, found = self.kit(), []
        with self.opened() as database:
            for user in self.emulator.users:
                browser = Browser()
                url = browser.start(kit, "tiktok")
                callback = self.emulator.approve(url, user=user.username)
                login = browser.come_back(kit, urlsplit(callback).query, "tiktok")
                Accounts(kit, database).sign_in(login)
                found.append(login.identity)
        return found

    def leave_all(self):
        """Unlink everybody while TikTok is down."""
        self.emulator.workbench.faults.add("revoke:503")
        with self.opened() as database:
            store = Accounts(self.kit(), database)
            for row in self.rows(identities):
                store.delete(row.account_id)
        self.emulator.workbench.faults.clear()

    def rows(self, table):
        with self.opened() as database:
            return database.read(lambda executor: executor.execute(select(table)).all())

    def change(self, table, **values):
        with self.opened() as database, database.engine.begin() as connection:
            connection.execute(update(table).values(**values))

    def refreshed(self):
        """The refresh tokens that the emulator was sent, in their order."""
        return [
            sent.form["refresh_token"] for sent in self.emulator.requests("token") if "refresh_token" in sent.form
        ]

    def tokens(self, *args, **env):
        return run("tokens", *args, "--ini", str(self.ini), **env)

    def json(self, *args):
        result = self.tokens("refresh", "--rate", "1000/s", "--json", *args)
        return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def new_site(tmp_path):
    """Give what makes a site; its server ends with the test."""
    made = []

    def new_site(**options):
        made.append(Site(tmp_path, **options))
        return made[-1]

    yield new_site
    for site in made:
        site.server.close()


# refresh


def test_what_is_due_is_refreshed_and_the_summary_says_so(new_site):
    site = new_site()
    site.sign_in_all()

    result = site.tokens("refresh", "--rate", "1000/s")

    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(r"Refreshed: 3\nIt took \d+ s\.\n", result.stdout)
    assert len(set(site.refreshed())) == 3


def test_the_tokens_that_are_kept_afterwards_are_the_new_ones(new_site):
    site = new_site(people=1)
    (identity,) = site.sign_in_all()
    site.tokens("refresh")

    with site.opened() as database:
        kept = Vault(site.kit(), database).access_token(identity)
    assert site.emulator._world.ledger.kind_of(kept.reveal()) == "access"
    assert [row.registration for row in site.rows(tokens)] == ["tiktok"]


def test_what_tiktok_does_not_prolong_is_left_alone_the_second_time(new_site):
    site = new_site(refresh_clock="keeps")
    site.sign_in_all()

    first = site.json()
    a_minute_ago = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(minutes=1)
    site.change(tokens, obtained_at=a_minute_ago)  # a run passes over what was refreshed in its own second
    second = site.json()

    assert (first[0], first[1]["refreshed"], first[1]["left_alone"]) == (0, 3, 0)
    assert (second[0], second[1]["refreshed"], second[1]["left_alone"]) == (0, 0, 3)
    assert len(site.refreshed()) == 3


def test_where_nothing_is_due_a_line_says_when_the_next_token_ends(new_site):
    site = new_site(refresh_lifetime=180 * DAY)
    empty = site.tokens("refresh")
    site.sign_in_all()
    later = site.tokens("refresh")
    access = site.tokens("refresh", "--of", "access", "--due", "1h")

    assert (empty.exit_code, empty.stdout) == (0, "Nothing is due: no token is kept that ends.\n")
    assert later.exit_code == access.exit_code == 0
    assert re.fullmatch(
        r"Nothing is due: the next refresh token ends in (179 d 23|180 d 0) h, at \d{4}-\d\d-\d\d \d\d:\d\d UTC\. "
        r"Access tokens that end by then: 3; --of access refreshes them\.\n",
        later.stdout,
    )
    assert re.fullmatch(
        r"Nothing is due: the next access token ends in (1 h 59|2 h 0) min, at .* UTC\.\n", access.stdout
    )
    assert site.refreshed() == []


def test_access_tokens_are_not_mentioned_where_none_of_them_is_due_either(new_site):
    site = new_site(refresh_lifetime=180 * DAY)
    site.sign_in_all()

    assert "--of access" not in site.tokens("refresh", "--due", "1h").stdout


def test_access_tokens_are_refreshed_where_that_is_asked_for(new_site):
    site = new_site(refresh_lifetime=180 * DAY)
    site.sign_in_all()

    assert site.json("--of", "access", "--due", "3h")[1]["refreshed"] == 3


def test_who_has_to_sign_in_again_is_counted_and_is_no_failure(new_site):
    site = new_site()
    site.sign_in_all()
    site.emulator.disconnect("p1")

    result = site.tokens("refresh", "--rate", "1000/s")

    assert result.exit_code == 0
    assert result.stdout.startswith("Refreshed: 2\nMust sign in again: 1\nIt took ")


def test_what_fails_for_now_is_counted_by_its_code_and_makes_the_status_1(new_site):
    site = new_site()
    site.sign_in_all()
    site.emulator.workbench.faults.add("token:503:once")

    status, summary = site.json("--workers", "1")

    assert status == 1
    assert {name: summary[name] for name in ("refreshed", "failed", "failed_by_code", "postponed", "stopped")} == {
        "refreshed": 2,
        "failed": 1,
        "failed_by_code": {"provider_unavailable": 1},
        "postponed": 0,
        "stopped": {},
    }
    again = site.tokens("refresh", "--rate", "1000/s")
    assert again.exit_code == 1
    assert "\nFailed a moment ago, and wait: 1\n" in again.stdout


def test_a_provider_that_is_down_is_asked_no_more(new_site):
    site = new_site(people=FAILURES_IN_A_ROW + 3)
    site.sign_in_all()
    site.emulator.workbench.faults.add("token:503")

    result = site.tokens("refresh", "--rate", "1000/s", "--workers", "1")

    assert result.exit_code == 1
    assert f"Failed for now: {FAILURES_IN_A_ROW} (provider_unavailable: {FAILURES_IN_A_ROW})\n" in result.stdout
    assert re.search(
        r"\ntiktok: stopped after 20 failures in a row, the last: provider_unavailable \(.+\)\. "
        r"Its other tokens are left for the next run\.\n",
        result.stdout,
    )
    assert result.stdout.count("the last: ") == 1
    assert "The last: " not in result.stdout
    assert len(site.refreshed()) == FAILURES_IN_A_ROW


def test_quiet_says_something_only_where_something_failed(new_site):
    site = new_site()
    site.sign_in_all()
    site.emulator.workbench.faults.add("token:503")
    bad = site.tokens("refresh", "--quiet", "--rate", "1000/s")
    site.emulator.workbench.faults.clear()
    site.change(tokens, retry_at=None)
    good = site.tokens("refresh", "--quiet", "--rate", "1000/s")

    _, failed, why, _ = bad.stdout.splitlines()
    assert (bad.exit_code, failed) == (1, "Failed for now: 3 (provider_unavailable: 3)")
    assert re.fullmatch(r"The last: provider_unavailable \(.*503.*\)", why)
    assert (good.exit_code, good.output) == (0, "")


def test_a_database_that_fails_in_the_middle_ends_the_run_with_what_was_done(new_site):
    site = new_site(people=2)
    site.sign_in_all()
    away = "ALTER TABLE authkit_identities RENAME TO away"  # so that due tokens can be counted, and not be listed
    with site.opened() as database, database.engine.begin() as connection:
        connection.exec_driver_sql(away)

    result = site.tokens("refresh")
    status, summary = site.json()

    assert result.exit_code == status == 1
    assert result.stdout.startswith(
        "Refreshed: 0\nThe list of tokens could not be read to its end: store_unavailable"
    )
    assert summary["problem"].startswith("the tables are missing or behind, run: authkit db upgrade")


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (("--due", "7"), "--due: '7' is no time; write it as 90s, 30m, 12h or 7d"),
        (("--due", "0d"), "--due: '0d' is no time; write it as 90s, 30m, 12h or 7d"),
        (("--due", "-1d"), "--due: '-1d' is no time; write it as 90s, 30m, 12h or 7d"),
        (("--due", "\uff11d"), "--due: '\uff11d' is no time; write it as 90s, 30m, 12h or 7d"),
        (("--due", "999999d"), "--due: '999999d' is no time; write it as 90s, 30m, 12h or 7d"),
        (("--rate", "10"), "--rate: '10' is no rate; write it as 10/s, 100/m or 1000/h"),
        (("--rate", "0/s"), "--rate: '0/s' is no rate; write it as 10/s, 100/m or 1000/h"),
        (("--rate", "10/d"), "--rate: '10/d' is no rate; write it as 10/s, 100/m or 1000/h"),
    ],
)
def test_a_time_or_a_rate_that_makes_no_sense_is_one_line(option, line):
    result = run("tokens", "refresh", *option)

    assert (result.exit_code, result.output) == (2, f"Error: {line}\n")


def test_a_rate_of_revocations_that_makes_no_sense_is_one_line():
    assert run("tokens", "revoke-pending", "--rate", "fast").output.count("\n") == 1


def test_tables_that_are_missing_are_one_line(new_site):
    site = new_site()
    with site.opened() as database:
        metadata.drop_all(database.engine)

    for command in ("refresh", "reseal", "revoke-pending", "status"):
        result = site.tokens(command)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("Error: the tables are missing or behind, run: authkit db upgrade")
        assert result.stderr.count("\n") == 1


def test_ctrl_c_finishes_what_is_under_way_and_the_next_run_goes_on(new_site):
    site = new_site(people=8)
    site.sign_in_all()

    def press(recorded):
        if len(site.refreshed()) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    site.emulator.requests.observers.append(press)
    ended = site.tokens("refresh", "--rate", "5/s", "--workers", "2")
    site.emulator.requests.observers.clear()
    done = len(site.refreshed())
    _, summary = site.json()

    assert (ended.exit_code, ended.stdout.splitlines()[:2]) == (
        130,
        [f"Refreshed: {done}", "Interrupted; started again, it goes on with what is still due."],
    )
    assert 2 <= done <= 4
    assert summary["refreshed"] == 8 - done
    assert Counter(site.refreshed()).most_common(1)[0][1] == 1
    assert len(site.refreshed()) == 8


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_is_interrupted_ends_well_and_the_next_goes_on(new_site, number, status):
    site = new_site(people=12)
    site.sign_in_all()

    with running("tokens", "refresh", "--rate", "5/s", "--ini", str(site.ini)) as process:
        wait_until(lambda: len(site.refreshed()) >= 3)
        process.send_signal(number)
        assert process.wait(60) == status
        shown, said = process.stdout.read(), process.stderr.read()
    done = len(site.refreshed())
    _, summary = site.json()

    assert shown.startswith(f"Refreshed: {done}\nInterrupted; ")
    assert "Finishing what is under way" in said
    assert summary["refreshed"] == 12 - done
    assert len(set(site.refreshed())) == len(site.refreshed()) == 12


@pytest.mark.slow
def test_of_two_processes_at_once_each_token_is_refreshed_by_one(new_site):
    site = new_site(people=40)
    site.sign_in_all()
    command = [
        sys.executable,
        "-m",
        "authkit",
        "tokens",
        "refresh",
        "--rate",
        "1000/s",
        "--json",
        "--ini",
        str(site.ini),
    ]

    processes = [
        subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(2)
    ]
    summaries = [json.loads(process.communicate(timeout=100)[0]) for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert sum(summary["refreshed"] for summary in summaries) == 40
    assert len(set(site.refreshed())) == len(site.refreshed()) == 40
    assert [sent.verdict for sent in site.emulator.requests("token") if sent.verdict] == []


def wait_until(is_so):
    ends_at = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < ends_at, "it has not come to that in a minute"
        time.sleep(0.02)


# reseal


def test_after_a_reseal_the_old_key_can_be_removed(new_site):
    site = new_site()
    site.configure(vault_key=OLD)
    people = site.sign_in_all()
    site.configure(vault_key=f"{NEW} {OLD}")

    first, second = site.tokens("reseal"), site.tokens("reseal")

    ending = "Everything is sealed with the newest key; older ones can be removed.\n"
    assert (first.exit_code, first.output) == (0, f"Resealed: 3\n{ending}")
    assert (second.exit_code, second.output) == (0, f"Resealed: 0\n{ending}")
    site.configure(vault_key=NEW)
    assert site.json()[1]["refreshed"] == 3
    with site.opened() as database:
        assert all(Vault(site.kit(), database).access_token(who) for who in people)


def test_what_does_not_open_is_counted_and_keeps_the_old_key_in_use(new_site):
    site = new_site()
    site.configure(vault_key=OLD)
    site.sign_in_all()
    site.configure(vault_key=NEW)

    result = site.tokens("reseal")

    assert (result.exit_code, result.stdout) == (1, "Resealed: 0\nDo not open: 3; the log says which\n")
    assert "act." not in result.output
    assert len({row.sealed_with for row in site.rows(tokens)}) == 1


def test_a_server_that_still_seals_with_the_old_key_is_noticed(new_site):
    site = new_site()
    site.configure(vault_key=OLD)
    site.sign_in_all()
    site.configure(vault_key=f"{NEW} {OLD}")
    meanwhile = "UPDATE authkit_tokens SET sealed_with = '00000000' WHERE identity_id = 1"
    with site.opened() as database, database.engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TRIGGER t AFTER UPDATE ON authkit_tokens WHEN NEW.identity_id = 2 BEGIN {meanwhile}; END"
        )

    result = site.tokens("reseal")

    assert (result.exit_code, result.output) == (
        1,
        "Resealed: 3\nSealed with an older key meanwhile: 1. Some server does not have the newest key yet:\n"
        "give it to all of them, and run this again. Do not remove the older key before that.\n",
    )


def test_a_reseal_can_be_interrupted(new_site):
    class Press(logging.Handler):
        def emit(self, record):
            os.kill(os.getpid(), signal.SIGINT)

    site = new_site()
    site.configure(vault_key=OLD)
    site.sign_in_all()
    site.configure(vault_key=NEW)  # so that there is something to log
    logger, handler = logging.getLogger("authkit.accounts"), Press()
    logger.addHandler(handler)
    try:
        result = site.tokens("reseal")
    finally:
        logger.removeHandler(handler)

    assert (result.exit_code, result.stdout.splitlines()) == (
        130,
        [
            "Resealed: 0",
            "Do not open: 1; the log says which",
            "Interrupted; started again, it goes on with the rest.",
        ],
    )


# revoke-pending


def test_revocations_that_failed_are_tried_again_when_it_is_time(new_site):
    site = new_site()
    site.sign_in_all()
    site.leave_all()
    too_early = site.tokens("revoke-pending")
    site.change(revocations, retry_at=LONG_AGO)
    in_time = site.tokens("revoke-pending", "--rate", "1000/s")

    assert (too_early.exit_code, too_early.output) == (0, "Revoked: 0\nWait for another try: 3\n")
    assert (in_time.exit_code, in_time.output) == (0, "Revoked: 3\n")
    assert site.rows(revocations) == []


def test_a_provider_that_is_still_down_is_asked_twenty_times_at_most(new_site):
    site = new_site(people=FAILURES_IN_A_ROW + 2)
    site.sign_in_all()
    site.leave_all()
    site.change(revocations, retry_at=LONG_AGO)
    site.emulator.workbench.faults.add("revoke:503")
    before = site.emulator.requests.total

    result = site.tokens("revoke-pending", "--rate", "1000/s")

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "Revoked: 0",
        f"Failed for now: {FAILURES_IN_A_ROW}",
        f"tiktok: stopped after {FAILURES_IN_A_ROW} failures in a row",
        f"Wait for another try: {FAILURES_IN_A_ROW + 2}",
    ]
    assert site.emulator.requests.total - before == FAILURES_IN_A_ROW


def test_revoking_can_be_interrupted(new_site):
    site = new_site()
    site.sign_in_all()
    site.leave_all()
    site.change(revocations, retry_at=LONG_AGO)
    site.emulator.requests.observers.append(lambda _: os.kill(os.getpid(), signal.SIGINT))

    result = site.tokens("revoke-pending", "--rate", "1/h")

    assert (result.exit_code, result.stdout) == (130, "Revoked: 1\nWait for another try: 2\n")


# status


def test_the_status_names_registrations_and_nobody(new_site):
    site = new_site()
    empty = site.tokens("status")
    people = site.sign_in_all()
    shown, as_json = site.tokens("status"), site.tokens("status", "--json")

    assert (empty.exit_code, empty.output) == (0, "No token is kept.\n")
    assert [re.split(r"\s{2,}", line.strip()) for line in shown.stdout.splitlines()] == [
        ["registration", "open", "must sign in again", "end in 7 days", "failing", "revocations that wait"],
        ["tiktok", "3", "0", "3", "0", "0"],
    ]
    assert json.loads(as_json.stdout) == [
        {
            "registration": "tiktok",
            "open": 3,
            "reauth_required": 0,
            "ending": 3,
            "failing": 0,
            "pending_revocations": 0,
        }
    ]
    assert not any(who.subject in shown.output + as_json.output for who in people)


# Progress, interruption, times


def test_a_terminal_shows_a_bar_with_count_and_rate():
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100)
    with progress("Refreshing", 2, console=console) as advance:
        advance()
        advance()

    assert "Refreshing" in output.getvalue()
    assert "2/2" in output.getvalue()
    assert re.search(r"\d/s", output.getvalue())


def test_elsewhere_a_line_comes_every_half_a_minute():
    output, now = io.StringIO(), [0.0]
    with progress("Refreshing", 100_000, console=Console(file=output, width=20), timer=lambda: now[0]) as advance:
        for _ in range(610):
            now[0] += 0.1
            advance()

    assert output.getvalue().splitlines() == [
        "Refreshing: 300 of 100,000, 10.0/s, about 2 h 46 min left",
        "Refreshing: 600 of 100,000, 10.0/s, about 2 h 45 min left",
    ]


def test_quiet_progress_shows_nothing():
    output = io.StringIO()
    with progress("Refreshing", 1, is_quiet=True, console=Console(file=output, force_terminal=True)) as advance:
        advance()

    assert output.getvalue() == ""


def test_an_interruption_is_noted_wakes_a_sleeper_and_says_so_once(capfd):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        assert not interruption.has_come()
        interruption.sleep(0.001)
        presser = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        presser.start()
        interruption.sleep(60)
        presser.join()
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.has_come()

    assert interruption.status == 143
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capfd.readouterr().err.count("Finishing what is under way") == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3599, "59 min 59 s"),
        (10_000, "2 h 46 min"),
        (9e5, "10 d 10 h"),
    ],
)
def test_times_are_said_in_two_units(seconds, said):
    assert say_time(seconds) == said


def test_the_docs_show_commands_and_options_that_exist():
    text = (Path(__file__).parent.parent / "docs" / "tokens.md").read_text(encoding="utf-8")
    shown = [
        line.partition("authkit tokens ")[2].split()
        for line in re.findall(r"^.*authkit tokens .*$", text, re.MULTILINE)
    ]
    commands = {words[0].strip("`,"): words for words in shown}

    assert set(commands) == {"status", "refresh", "revoke-pending", "reseal"}
    for name in commands:
        told = run("tokens", name, "--help").output
        used = {word for words in shown if words[0] == name for word in words if re.fullmatch("--[a-z]+", word)}
        assert [option for option in used if option not in told] == []
    assert {f"`{result.value}`" for result in Result} <= set(re.findall("`[a-z_]+`", text))
