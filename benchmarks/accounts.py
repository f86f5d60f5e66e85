"""What the accounts cost: a login among a million people, a read of the vault, and 100,000 tokens to refresh.

    python benchmarks/accounts.py [--few 1000] [--many 1000000] [--tokens 100000] [--skip-postgresql]

On SQLite files, and on the PostgreSQL server of AUTHKIT_TEST_POSTGRESQL, or of this machine, if it answers: two
databases are made there, and dropped. Logins in the small and in the large database take turns, so that what else the
machine does is shared by both. The refresh runs in a process of its own, and so does the emulator.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from sqlalchemy import Engine, Table, event, insert
from throwaway import postgresql

from authkit import AuthKit, Identity, Login, Profile, Secret, Token
from authkit.accounts import Accounts, Database, Vault, metadata
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.emulator import Recorded, Shelf, serve
from authkit_tiktok.emulator import TikTokEmulator, User

SETTINGS = {
    "authkit.secret": "a-secret-of-a-benchmark-that-is-long-enough",
    "authkit.base_url": "https://app.example",
    "authkit.tiktok.client_key": "awexamplekey00001",
    "authkit.tiktok.client_secret": "SECRET",
}
CHUNK = 20_000
NOW = datetime.now(timezone.utc).replace(microsecond=0)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


# The databases


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """Give a database with the tables in it."""
    database = Database.open(url)
    metadata.create_all(database.engine)
    try:
        yield database
    finally:
        database.close()


def subject(number: int) -> str:
    """Return the open id of a person, in the form of TikTok's."""
    return f"-000{number:028d}"


def identity_of(number: int) -> Identity:
    """Return the identity of a person."""
    return Identity("tiktok", SETTINGS["authkit.tiktok.client_key"], subject(number))


def fill(engine: Engine, people: int, kept: Mapping[str, object] | None = None) -> None:
    """Add people, each with an account, an identity and, if `kept` says what is in it, a token."""
    times = {"created_at": NOW, "last_login_at": NOW}
    for first in range(0, people, CHUNK):
        numbers = range(first, min(first + CHUNK, people))
        add(
            engine, accounts, [{"id": f"{number:032x}", "display_name": f"P {number}", **times} for number in numbers]
        )
        add(
            engine,
            identities,
            [
                {
                    "id": number + 1,
                    "account_id": f"{number:032x}",
                    "authority": "tiktok",
                    "client": SETTINGS["authkit.tiktok.client_key"],
                    "subject": subject(number),
                    "registration": "tiktok",
                    "display_name": f"P {number}",
                    "email_verified": False,
                    **times,
                }
                for number in numbers
            ],
        )
        if kept:
            add(engine, tokens, [{**kept, "identity_id": number + 1} for number in numbers])
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def add(engine: Engine, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Add rows by executemany."""
    with engine.begin() as connection:
        connection.execute(insert(table), rows)


def kept_token(**changes: object) -> dict[str, object]:
    """Return the columns of a token that is good for two hours."""
    return {
        "registration": "tiktok",
        "sealed": "x" * 300,
        "sealed_with": "00000000",
        "scope": "user.info.basic",
        "obtained_at": NOW,
        "expires_at": NOW + timedelta(hours=2),
        "refresh_expires_at": NOW + timedelta(days=180),
        "ends_at": NOW + timedelta(days=180),
        "fence": 1,
        "failures": 0,
        **changes,
    }


# A login of a known person, and a read of the vault


def login_of(number: int) -> Login:
    """Return a login of a person."""
    token = Token(
        access_token=Secret(f"act.{secrets.token_hex(24)}"),
        refresh_token=Secret(f"rft.{secrets.token_hex(24)}"),
        expires_at=NOW + timedelta(hours=2),
        refresh_expires_at=NOW + timedelta(days=180),
        scope=("user.info.basic",),
        subject=subject(number),
    )
    return Login(
        registration="tiktok",
        identity=identity_of(number),
        profile=Profile(subject(number), display_name=f"P {number}"),
        token=token,
        granted_scopes=token.scope,
        missing_scopes=(),
        return_to="/",
        correlation_id=secrets.token_hex(8),
    )


def measure_logins(kit: AuthKit, name: str, sizes: tuple[int, int], urls: tuple[str, str], logins: int) -> None:
    """Print how long a login takes among few and among many, and what a read of the vault takes among many."""
    with opened(urls[0]) as few, opened(urls[1]) as many:
        for database, people in zip((few, many), sizes, strict=True):
            started = time.perf_counter()
            fill(database.engine, people, kept_token())
            say(f"{name}: {people:,} people were added in {time.perf_counter() - started:.0f} s")
        random = Random(1)  # noqa: S311 - so that each run asks for the same people
        took: tuple[list[float], list[float]] = ([], [])
        for done in range(logins + 50):
            for database, people, times in zip((few, many), sizes, took, strict=True):
                login = login_of(random.randrange(people))
                started = time.perf_counter()
                signed_in = Accounts(kit, database).sign_in(login)
                if done >= 50:  # what comes before warms up
                    times.append(time.perf_counter() - started)
                if signed_in.is_new:
                    raise SystemExit("a person was not found")
        medians = [statistics.median(times) * 1e3 for times in took]
        say(
            f"{name}: sign_in of a known person, median of {logins}: {medians[0]:.2f} ms among {sizes[0]:,}, "
            f"{medians[1]:.2f} ms among {sizes[1]:,}; ratio {medians[1] / medians[0]:.2f} (wanted: 1.3 at most)"
        )
        measure_reads(kit, name, many, login.identity)


def measure_reads(kit: AuthKit, name: str, database: Database, identity: Identity, reads: int = 2_000) -> None:
    """Print what it takes to read a token that is good."""
    vault, queries = Vault(kit, database), list[str]()
    event.listen(database.engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
    vault.access_token(identity)
    per_read = len(queries)
    started = time.perf_counter()
    for _ in range(reads):
        vault.access_token(identity)
    took = (time.perf_counter() - started) / reads * 1e6
    say(f"{name}: a vault read without a refresh: {per_read} queries (wanted: 2 at most), {took:.0f} µs")


# 100,000 tokens to refresh


def emulate(pipe: Connection, people: int) -> None:
    """Serve an emulator at which many people are signed in; tell their tokens, and at the end what was asked."""
    emulator = TikTokEmulator()
    ledger, app = (
        emulator._world.ledger,
        emulator.apps[0],
    )  # to log 100,000 in by HTTP would take longer than the rest
    ledger._tokens = Shelf(emulator.workbench.clock, 10 * people)  # otherwise it forgets all but 20,000
    refreshes = {"granted": 0, "refused": 0}

    def note(request: Recorded) -> None:
        refreshes["refused" if request.verdict else "granted"] += 1

    emulator.requests.observers.append(note)
    with serve(emulator, port=0) as server:
        pipe.send(emulator.settings(server.origin))
        for first in range(0, people, CHUNK):
            issued = []
            for number in range(first, min(first + CHUNK, people)):
                person = User(open_id=subject(number), union_id=f"u{number}", display_name="P", username=f"p{number}")
                ledger.connect(person, app, ("user.info.basic",))
                given = ledger.issue(ledger.grant(person, app, ("user.info.basic",)))
                issued.append((given.access_token, given.refresh_token))
            pipe.send(issued)
        pipe.recv()
        pipe.send(refreshes)


def seal_all(kit: AuthKit, database: Database, pipe: Connection, people: int) -> None:
    """Put the tokens of the emulator in the place of those that are kept."""
    box = Strongbox(kit.sealers["vault"], tokens.name)
    for first in range(0, people, CHUNK):
        rows = []
        for number, (access_token, refresh_token) in enumerate(pipe.recv(), first):
            token = Token(Secret(access_token), Secret(refresh_token))
            sealed = box.seal(identity_of(number).key, token)
            rows.append(kept_token(identity_id=number + 1, sealed=sealed, sealed_with=box.key_id))
        add(database.engine, tokens, rows)


def run_refresh(environment: Mapping[str, str], due: str, workers: int) -> tuple[dict[str, object], float]:
    """Run the command, and return its summary and the most memory that it had, in MiB."""
    command = [sys.executable, "-m", "authkit", "tokens", "refresh", "--json", "--rate", "99999/s"]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [*command, "--due", due, "--workers", str(workers)],
            env={**os.environ, **environment},
            stdout=output,
        )
        most = 0.0
        while process.poll() is None:
            most = max(most, peak_mib(process.pid))
            time.sleep(0.05)
        output.seek(0)
        return json.load(output), most


def peak_mib(pid: int) -> float:
    """Return the most memory that a process has had so far; 0 where the system does not tell.

    What `getrusage` says of a child counts the memory of its parent at the time of the fork.
    """
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def measure_refresh(url: str, people: int, workers: int) -> None:
    """Print the rate of a bulk refresh, and its memory over that of the same command when nothing is due."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=emulate, args=(there, people))
    process.start()
    there.close()
    settings = {f"authkit.tiktok.{key}": value for key, value in here.recv().items()}
    kit = AuthKit.from_settings({**SETTINGS, **settings})
    with opened(url) as database:
        fill(database.engine, people)
        seal_all(kit, database, here, people)
    every = {**SETTINGS, **settings, "authkit.accounts.database": url}
    environment = {key.upper().replace(".", "_"): value for key, value in every.items()}
    _, at_start = run_refresh(environment, "1s", workers)
    summary, most = run_refresh(environment, "365d", workers)
    here.send("stop")
    asked = here.recv()
    process.join(10)
    if (summary["refreshed"], asked) != (people, {"granted": people, "refused": 0}):
        raise SystemExit(f"not every token was refreshed once: {summary}, the emulator: {asked}")
    seconds = float(str(summary["seconds"]))
    say(f"bulk refresh of {people:,} tokens: {seconds:.0f} s, {people / seconds:.0f} a second, {workers} workers")
    say(
        f"its memory: {most:.1f} MiB at most, {at_start:.1f} MiB when nothing is due: "
        f"{most - at_start:.1f} MiB over the start (wanted: 50 at most)"
    )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=1_000, help="people in the small database")
    parser.add_argument("--many", type=int, default=1_000_000, help="people in the large one")
    parser.add_argument("--logins", type=int, default=500, help="how many logins to measure")
    parser.add_argument("--tokens", type=int, default=100_000, help="tokens to refresh, 0 for none")
    parser.add_argument("--workers", type=int, default=4, help="workers of the bulk refresh")
    parser.add_argument("--skip-postgresql", action="store_true", help="use SQLite only")
    given = parser.parse_args()
    kit, sizes = AuthKit.from_settings(SETTINGS), (given.few, given.many)
    with tempfile.TemporaryDirectory(prefix="authkit-bench-") as folder:
        places = [f"sqlite:///{Path(folder) / name}.sqlite" for name in ("few", "many", "bulk")]
        if given.many:
            measure_logins(kit, "SQLite", sizes, (places[0], places[1]), given.logins)
        if given.many and not given.skip_postgresql:
            with postgresql() as few, postgresql() as many:
                if few and many:
                    measure_logins(kit, "PostgreSQL", sizes, (few, many), given.logins)
                else:
                    say("PostgreSQL: no server answers, or there is no driver: pip install 'psycopg[binary]'")
        if given.tokens:
            measure_refresh(places[2], given.tokens, given.workers)


if __name__ == "__main__":
    main()
