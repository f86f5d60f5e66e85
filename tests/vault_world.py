"""A vault whose provider, clock, waiting and observers are in the hands of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from account_world import AccountWorld
from fakes import TOKEN, Clock, Network, acme, answer, make_kit, plugins_with
from sqlalchemy import event, select, update

from authkit import Identity
from authkit.accounts import Database, Vault
from authkit.accounts.schema import audit, revocations, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import TokenRows
from authkit.errors import StoreUnavailable

ADA = Identity("acme", "acme-client", "user-1")
LIFETIME = 3600
DUE = LIFETIME - 300
"""When the usual token is to be refreshed, in seconds after it was issued."""

strict_acme = replace(acme, subject_param="uid")
"""A provider whose token answers name the user."""
access_acme = replace(acme, revoke_with="access_token")
"""A provider that ends access tokens only, as TikTok does."""


class Stopwatch:
    """Time that passes only while somebody waits, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: list[Callable[[], object]] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()


class Rotation:
    """A token endpoint that replaces the refresh token at each refresh, and refuses any but the newest."""

    def __init__(self, **more: Any) -> None:
        self.newest = TOKEN["refresh_token"]
        self.count = 0
        self._more = more
        self._lock = Lock()

    def __call__(self, request: Any) -> Any:
        with self._lock:
            if dict(parse_qsl(request.body))["refresh_token"] != self.newest:
                return answer(request, 400, {"error": "invalid_grant"})
            self.count += 1
            self.newest = f"canary-refresh-{self.count}"
            pair = {"access_token": f"canary-access-{self.count}", "refresh_token": self.newest}
            return answer(request, 200, {**TOKEN, **pair, **self._more})


class VaultWorld(AccountWorld):
    """A person who has signed in, and several servers with vaults that share the database.

    `told` is what the observers were told; `waited` is the timer of `vault`, which does not really wait.
    """

    def __init__(
        self,
        database: Database,
        *,
        provider: Any = acme,
        settings: Mapping[str, str] | None = None,
        lease: int = 30,
        login: bool = True,
        **token: Any,
    ) -> None:
        clock, network = Clock(), Network()
        self.provider, self.settings, self.lease = provider, settings or {}, lease
        self.told: list[tuple[str, ...]] = []
        super().__init__(database, kit=self.new_kit(clock, network))
        self.clock, self.network, self.waited = clock, network, Stopwatch()
        self.endpoint = Rotation()
        self.network.replies["token"] = self.endpoint
        self.vault = self.server()
        if login:
            self.accounts.sign_in(self.login(token=self.token(**token)))

    def new_kit(self, clock: Any, network: Any, **settings: str) -> Any:
        observers = {
            "authkit_token_refreshed": lambda identity: self.told.append(("refreshed", identity.subject)),
            "authkit_reauth_required": lambda identity, reason: self.told.append(
                ("reauth_required", identity.subject, reason)
            ),
        }
        plugins = plugins_with(self.provider, **observers)
        return make_kit(network, {**self.settings, **settings}, clock=clock, plugins=plugins)

    def server(
        self, *, ahead: float = 0, database: Any = None, waited: Stopwatch | None = None, **settings: str
    ) -> Vault:
        """Return the vault of another server, whose clock is so many seconds ahead."""
        kit = self.new_kit(lambda: self.clock() + ahead, self.network, **settings)
        waited = waited or self.waited
        return Vault(kit, database or self.database, lease=self.lease, sleep=waited.sleep, timer=waited)

    @property
    def asked(self) -> int:
        """How often the provider was asked for a token."""
        return len(self.network.to("token"))

    def while_it_answers(self, *happenings: Callable[[], object]) -> None:
        """Let things happen while the provider answers the next requests, one at each; then it goes on as before."""
        reply, waiting = self.network.replies["token"], list(happenings)

        def interrupted(request: Any) -> Any:
            if waiting:
                waiting.pop(0)()
            return reply(request) if callable(reply) else answer(request, 200, reply)

        self.network.replies["token"] = interrupted

    def row(self) -> dict[str, Any]:
        """Return the row of the only token."""
        with self.database.engine.connect() as connection:
            return dict(connection.execute(select(tokens)).one()._mapping)

    def change_row(self, **values: Any) -> None:
        with self.database.engine.begin() as connection:
            connection.execute(update(tokens).values(**values))

    def kept(self, identity: Identity = ADA) -> Any:
        """Return what is kept now, as another server reads it."""
        rows = TokenRows(Strongbox(self.kit.sealers["vault"], tokens.name))
        return self.database.read(lambda executor: rows.read(executor, identity))

    def kept_pair(self) -> tuple[str, str | None]:
        """Return the access token and the refresh token that are kept now."""
        token = self.kept().token
        return token.access_token.reveal(), token.refresh_token and token.refresh_token.reveal()

    def trail(self) -> list[tuple[str, str | None]]:
        """Return the audit trail: what happened and why."""
        with self.database.engine.connect() as connection:
            return [(row.event, row.reason) for row in connection.execute(select(audit).order_by(audit.c.id))]

    def waiting(self) -> list[Any]:
        """Return the rows of the revocations."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(select(revocations).order_by(revocations.c.id)))

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Give what is sent to the database, transactions aside."""
        seen: list[str] = []

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            seen.append(statement)

        event.listen(self.database.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(self.database.engine, "before_cursor_execute", note)


class Flaky(Database):
    """A database that is away for a while: after so many writes that work, so many come to nothing."""

    def __init__(self, database: Database, failing: int = 0, *, working: int = 0) -> None:
        super().__init__(database.engine)
        self.failing, self.working = failing, working

    def write(self, work: Any) -> Any:
        if self.working > 0:
            self.working -= 1
        elif self.failing > 0:
            self.failing -= 1
            raise StoreUnavailable("the database is away")
        return super().write(work)


class Doubtful(Database):
    """A database that loses the connection at each commit: the work is done again, although it was done."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.engine)

    def write(self, work: Any) -> Any:
        super().write(work)
        return super().write(work)
