"""What a Bearer token costs: our verification beside the bare call of joserfc, and the queries of a request.

    python benchmarks/jwt.py [--rounds 40] [--calls 250]

The bare call is `joserfc.jwt.decode` with the key at hand and a registry for its one algorithm, and its own check of
the claims. Both verify the same token, in turns, so that what else the machine does is shared by both; the fastest
round of each counts. In a request, `Native` is made anew, as the Pyramid adapter makes it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from joserfc import jws, jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from sqlalchemy import event

from authkit import AuthKit, Identity, Login, Profile, Secret, Token
from authkit.accounts import Accounts, Database, metadata
from authkit.native import Native, NativeConfiguration, new_key

BASE_URL = "https://app.example"
LIMIT = 1.2

SETTINGS = {
    "authkit.secret": "a-secret-of-a-benchmark-that-is-long-enough",
    "authkit.base_url": BASE_URL,
    "authkit.tiktok.client_key": "awexamplekey00001",
    "authkit.tiktok.client_secret": "SECRET",
}


class Server:
    """One server with native apps, whose only account has one session."""

    def __init__(self, database: Database, algorithm: str, **settings: str) -> None:
        self.key = dict(new_key(algorithm, "key-1"))
        own = {f"authkit.native.{name}": value for name, value in settings.items()}
        keys = json.dumps({"keys": [self.key]})
        self.kit = AuthKit.from_settings({**SETTINGS, "authkit.native.keys": keys, **own}, environ={})
        self.database = database
        self.accounts = Accounts(self.kit, database)
        self.configuration = NativeConfiguration.of(self.kit)
        native = self.native()
        account = self.accounts.sign_in(login()).account
        session = native.sessions.start(account.id, "phone", "tiktok").session
        self.token = native.jwts.issue(account.id, session.id)

    def native(self) -> Native:
        """Return what a request has."""
        return Native(self.kit, self.accounts, self.database, self.configuration)


def login() -> Login:
    """Return a login of the account."""
    return Login(
        registration="tiktok",
        identity=Identity("tiktok", "awexamplekey00001", "open-id"),
        profile=Profile("open-id", "Ada"),
        token=Token(Secret("act")),
        granted_scopes=(),
        missing_scopes=(),
        return_to="/",
        correlation_id="0123456789abcdef",
    )


def bare_call(server: Server, algorithm: str) -> Callable[[], object]:
    """Return the same check by joserfc alone."""
    (key,) = KeySet.import_key_set({"keys": [server.key]}).keys
    registry = jws.JWSRegistry(algorithms=[algorithm])
    claims = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": BASE_URL},
        aud={"essential": True, "value": BASE_URL},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nbf={"essential": True},
    )

    def verify() -> object:
        token = jwt.decode(server.token, key, registry=registry)
        claims.validate(token.claims)
        return token

    return verify


def seconds(call: Callable[[], object], calls: int) -> float:
    """Return how long one of `calls` takes."""
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls


def queries(database: Database, call: Callable[[], object]) -> int:
    """Return how many statements `call` sends to the database."""
    statements: list[object] = []

    def note(*args: object) -> None:
        statements.append(args[2])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return len(statements)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def compare(database: Database, algorithm: str, rounds: int, calls: int) -> bool:
    """Say what verifying costs with one algorithm, and return whether that is little enough."""
    server = Server(database, algorithm)
    native = server.native()
    measured = {
        "joserfc": bare_call(server, algorithm),
        "Jwts.verify": lambda: native.jwts.verify(server.token),
        "Native(...).bearer": lambda: server.native().bearer(server.token),
    }
    best = dict.fromkeys(measured, float("inf"))
    for _ in range(rounds):
        for name, call in measured.items():
            best[name] = min(best[name], seconds(call, calls))
    for name, taken in best.items():
        say(f"{algorithm}  {name:<20} {taken * 1e6:7.1f} µs   {taken / best['joserfc']:.2f} x joserfc")
    return max(best.values()) <= LIMIT * best["joserfc"]


def main() -> int:
    """Say what a Bearer token costs; 1 if it is more than it may be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=250)
    options = parser.parse_args()
    warnings.simplefilter("ignore", SecurityWarning)  # joserfc's, of EdDSA: RFC 9864 renames it
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        metadata.create_all(database.engine)
        fine = [compare(database, algorithm, options.rounds, options.calls) for algorithm in ("ES256", "EdDSA")]
        for setting, expected in (("no", 0), ("yes", 1)):
            server = Server(database, "ES256", check_accounts=setting)
            count = queries(database, lambda: server.native().bearer(server.token))  # noqa: B023 - called at once
            say(f"check_accounts = {setting:<3}  {count} queries")
            fine.append(count == expected)
        database.close()
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main())
