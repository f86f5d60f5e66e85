"""A kit, its provider and its database, with people who sign in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fakes import TOKEN, Clock, Network, acme, make_kit, plugins_with
from sqlalchemy import Table, select

from authkit import Identity, Login, Profile, Secret, Token
from authkit.accounts import Accounts, Database, Revocations, Vault
from authkit.accounts.schema import audit

HOOKS = ("account_created", "linked", "unlinked")


class AccountWorld:
    """The accounts and the vault of an app whose provider is a fake network.

    Settings are given as ``accounts__revoke="no"``. What the store told the observers is in `told`.
    """

    def __init__(self, database: Database, *, kit: Any = None, **settings: str) -> None:
        self.clock, self.network = Clock(), Network()
        self.told: list[tuple[str, str, Identity]] = []
        own = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
        plugins = plugins_with(acme, **{f"authkit_{hook}": self._observer(hook) for hook in HOOKS})
        self.kit = kit or make_kit(self.network, own, clock=self.clock, plugins=plugins)
        self.database = database
        self.accounts = Accounts(self.kit, database)
        self.vault = Vault(self.kit, database)
        self.revocations = Revocations(self.kit, database)

    def login(self, subject: str = "user-1", /, **changes: Any) -> Login:
        """Return a login of a person, as the kit would; `changes` are those of its profile, or `token` itself."""
        token = changes.pop("token", None) or self.token()
        return Login(
            registration=changes.pop("registration", "acme"),
            identity=changes.pop("identity", Identity("acme", "acme-client", subject)),
            profile=Profile(subject, **{"display_name": "Ada", **changes}),
            token=replace(token, subject=subject),
            granted_scopes=token.scope,
            missing_scopes=(),
            return_to="/",
            correlation_id="0123456789abcdef",
        )

    def rows(self, table: Table) -> Sequence[Mapping[str, Any]]:
        """Return all rows of a table, in the order of their keys."""
        query = select(table).order_by(*table.primary_key)
        return self.database.read(lambda executor: [dict(row._mapping) for row in executor.execute(query)])

    def events(self) -> list[str]:
        """Return the events of the audit trail."""
        return [row["event"] for row in self.rows(audit)]

    def _observer(self, hook: str) -> Callable[[str, Identity], None]:
        def observe(account_id: str, identity: Identity) -> None:
            self.told.append((hook, account_id, identity))

        return observe

    def token(self, access_token: str = TOKEN["access_token"], **changes: Any) -> Token:
        """Return a token that is good for an hour, with a refresh token that is good for a day."""
        from datetime import datetime, timedelta, timezone

        now = datetime.fromtimestamp(int(self.clock()), timezone.utc)
        usual = Token(
            access_token=Secret(access_token),
            refresh_token=Secret(TOKEN["refresh_token"]),
            expires_at=now + timedelta(hours=1),
            refresh_expires_at=now + timedelta(days=1),
            scope=("profile",),
        )
        return replace(usual, **changes)
